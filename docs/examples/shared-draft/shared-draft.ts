/** A planner, a writer and a reviewer edit one document at the same time: once as agents often do (read, think, write back
 *  the whole document), and once through coherent shared state. Run: `node docs/examples/shared-draft/shared-draft.ts`. */
import { createBus } from 'tutti/actors';
import { coherence, estimate, TokenLedger } from 'tutti/coherence';
import { z } from 'zod';

const Draft = z.object({
  plan: z.array(z.string()),
  sections: z.record(z.string(), z.string()),
  remarks: z.array(z.string()),
});
type Draft = z.infer<typeof Draft>;
type Edit = (draft: Draft) => void;

const ROUNDS = 6;
const EMPTY: Draft = { plan: [], sections: {}, remarks: [] };

/** The edit that each agent makes in a round. It does not depend on what the agent has read. */
const EDITS: Readonly<Record<string, (round: number) => Edit>> = {
  planner: (round) => (draft) => void draft.plan.push(`Section ${round}`),
  writer: (round) => (draft) => {
    draft.sections[`Section ${round}`] = `What there is to say of ${round}. `.repeat(12);
  },
  reviewer: (round) => (draft) => void draft.remarks.push(`Section ${round}: be brief.`),
};
const WANTED = ROUNDS * Object.keys(EDITS).length;
const kept = ({ plan, sections, remarks }: Draft): number =>
  plan.length + Object.keys(sections).length + remarks.length;

/** An agent thinks for a few turns of the event loop, so that the others write in between. */
const think = async (turns: number): Promise<void> => {
  for (let i = 0; i < turns; i++) await new Promise((done) => setImmediate(done));
};

export interface DraftRun {
  /** Edits that were made. */
  readonly wanted: number;
  /** Edits that are in the document at the end. */
  readonly kept: number;
  /** Tokens of the document that the agents had to read. */
  readonly tokens: number;
}

/** Each agent reads the whole document, thinks, and writes the whole document back. */
export async function stale(): Promise<DraftRun> {
  let stored = EMPTY;
  let tokens = 0;
  const work = async (edit: (round: number) => Edit, turns: number) => {
    for (let round = 1; round <= ROUNDS; round++) {
      const copy = structuredClone(stored);
      tokens += estimate.count(copy);
      await think(turns);
      edit(round)(copy);
      stored = copy; // what the others have written meanwhile is lost, without an error
    }
  };
  await Promise.all(Object.values(EDITS).map((edit, i) => work(edit, i + 1)));
  return { wanted: WANTED, kept: kept(stored), tokens };
}

/** The same edits by the same agents. Each is applied to the document that is current when it is written. */
export async function coherent(): Promise<DraftRun> {
  const ledger = new TokenLedger({ counter: estimate });
  const shared = coherence({ bus: createBus(), schema: { draft: Draft }, initial: { draft: EMPTY }, ledger });
  const work = async (name: string, edit: (round: number) => Edit, turns: number) => {
    const agent = shared.agent(name);
    for (let round = 1; round <= ROUNDS; round++) {
      await agent.read('draft');
      await think(turns);
      await agent.write('draft', edit(round));
    }
    await agent.close();
  };
  await Promise.all(Object.entries(EDITS).map(([name, edit], i) => work(name, edit, i + 1)));
  const draft = await shared.agent('reader').read('draft');
  await shared.agent('reader').close();
  return { wanted: WANTED, kept: kept(draft), tokens: ledger.tokens };
}

if (import.meta.main) {
  const [before, after] = [await stale(), await coherent()];
  const row = (name: string, { wanted, kept: left, tokens }: DraftRun) =>
    `${name.padEnd(10)}${`${left} of ${wanted}`.padEnd(14)}${String(wanted - left).padEnd(8)}${String(tokens).padEnd(15)}${(tokens / left).toFixed(0)}`;
  console.log(
    `          edits kept    lost    tokens read    for each that is kept\n${row('stale', before)}\n${row('coherent', after)}`,
  );
}

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { perform, VirtualClock } from '../../src/index.ts';
import type { AgentPlan } from '../../actors/tomasulo/program.ts';
import { checkDocument, scoreOfDocument } from '../../src/score/score-file.ts';

const AGENTS: Readonly<Record<string, AgentPlan['run']>> = {
  list: () => ['a', 'bb', 'ccc'],
  length: ({ item }) => (item as string).length,
  sum: ({ numbers }) => (numbers as number[]).reduce((a, b) => a + b, 0),
  grow: ({ text }) => `${text as string}x`,
  size: ({ text }) => (text as string).length,
  echo: (operands) => operands,
};
const scoreFrom = (text: string) => {
  const names = Object.keys(AGENTS);
  const agents = Object.fromEntries(names.map((name) => [name, { module: './agents.js' }]));
  const document = checkDocument({ score: 's', agents, ...(parse(text) as object) });
  const plans = new Map(names.map((name): [string, AgentPlan] => [name, { name, run: AGENTS[name]! }]));
  return scoreOfDocument(document, plans);
};
const outputsOf = async (text: string, input?: unknown) =>
  (await perform(scoreFrom(text), { input, clock: new VirtualClock() }).result).outputs as unknown;

describe('a score file', () => {
  it('maps an agent over a list', async () => {
    const text = `
steps:
  - { id: files, agent: list }
  - { id: lengths, agent: length, map: { over: files, concurrency: 2 }, retry: { attempts: 2 } }
  - { id: sum, agent: sum, reads: { numbers: lengths } }
`;
    expect(await outputsOf(text)).toEqual({ files: ['a', 'bb', 'ccc'], lengths: [1, 2, 3], sum: 6 });
  });

  const inner = `
scores:
  measure:
    input: { type: object, required: [item] }
    steps:
      - { id: size, agent: length, reads: { item: input.item } }
    outputs: [size]
  round:
    steps:
      - { id: text, agent: grow, reads: { text: input.text } }
      - { id: size, agent: size, reads: { text: text } }
`;
  it('performs a score, for each element too, and repeats one', async () => {
    const text = `${inner}
steps:
  - { id: files, agent: list }
  - { id: one, score: measure, reads: { item: files.0 } }
  - { id: all, score: measure, map: { over: files } }
  - { id: loop, score: round, reads: { text: input }, repeat: { until: size >= 3, max: 9 } }
outputs: [one, all, loop]
`;
    expect(await outputsOf(text, 'a')).toEqual({
      one: { size: 1 },
      all: [{ size: 1 }, { size: 2 }, { size: 3 }],
      loop: { text: 'axx', size: 3 },
    });
  });

  it('has conditions', async () => {
    const text = (when: string) => `
steps:
  - { id: files, agent: list }
  - { id: big, agent: echo, reads: { n: input.n, t: input.t }, when: '${when}', writes: r }
  - { id: small, agent: list, otherwise: true, writes: r }
outputs: { r: r }
`;
    const performed = async (n: number, when: string) => {
      const { r } = (await outputsOf(text(when), { n, t: 'x' })) as { r: unknown };
      return !Array.isArray(r);
    };
    expect(await performed(2, 'n >= 2')).toBe(true);
    expect(await performed(2, 'n > 2')).toBe(false);
    expect(await performed(2, 'n < 3')).toBe(true);
    expect(await performed(2, 'n <= 1')).toBe(false);
    expect(await performed(2, 't == "x"')).toBe(true);
    expect(await performed(2, 't != "x"')).toBe(false);
    expect(await performed(2, 'n')).toBe(true);
    expect(await performed(0, 'n')).toBe(false);
    expect(await performed(0, 'not n')).toBe(true);
  });

  it.each([
    [
      `${inner}\nsteps: [{ id: a, score: none }]`,
      "unknown score 'none'; the document's scores are: measure, round.",
    ],
    [
      'scores: { x: { steps: [{ id: a, score: y }] }, y: { steps: [{ id: b, score: x }] } }\nsteps: [{ id: c, score: x }]',
      "a score cannot contain itself (x → y → x); use 'repeat' for rounds.",
    ],
    ['steps: [{ id: a }]', "'a' needs an 'agent' or a 'score', and not both."],
    ['steps: [{ id: a, agent: list, repeat: { until: x, max: 2 } }]', "only a 'score' can be repeated"],
    ['steps: [{ id: a, agent: list, when: n >= }]', "'n >=' is no condition; write 'name', 'not name'"],
    [`${inner}\nsteps: [{ id: a, score: round, retry: { attempts: 2 } }]`, "whose own steps have 'retry'"],
    [`${inner}\nsteps: [{ id: a, score: round, repeat: { until: x } }]`, "'max' is missing"],
    ['steps: [{ id: a, agent: list, map: { over: none } }]', "no step above writes 'none'"],
  ])('refuses %s', (text, message) => {
    expect(() => scoreFrom(text)).toThrow(message);
  });
});

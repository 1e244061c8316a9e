/** Claim: each counter-example is saved as a separate, complete file, under a safe name. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Judged } from '../../specs/verify.ts';
import { saveCounterexamples } from '../../src/cli/save.ts';
import { CommandLineError } from '../../src/cli/usage.ts';
import { traceOfTranscripts } from '../../src/viewer/model/transcript.ts';
import { judgedBroken } from '../coherence/protocol.broken.ts';

const folder = mkdtempSync(join(tmpdir(), 'tutti-save-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const broken = judgedBroken();
const holds: Judged = { ...broken, finding: { verdict: 'holds', bound: 'everything' } };

test('only what failed is saved, under the number of its claim, in a folder that is made', async () => {
  const into = join(folder, 'deep', 'er');
  const files = await saveCounterexamples([holds, broken, holds, judgedBroken({ noHold: true })], into);
  expect(files).toEqual([2, 4].map((n) => join(into, `mesi-invariant-guarantees-${n}.json`)));
  const diagrams = files.map((file) => file.replace('.json', '.mmd'));
  expect(readdirSync(into).sort()).toEqual([...files, ...diagrams].map((file) => basename(file)).sort());
  expect(readFileSync(diagrams[0]!, 'utf8')).toMatch(/^sequenceDiagram$/m);
  expect(JSON.parse(readFileSync(files[0]!, 'utf8'))).toEqual({
    what: broken.finding.counterexample!.what,
    claim: {
      mapping: 'mesi',
      criterion: 'invariant guarantees',
      property: broken.claim.property,
      source: broken.claim.source,
      expected: 'holds',
      instrument: 'explore',
    },
    verdict: 'fails',
    bound: '2 agents × 1 key, queued bus',
    transcript: broken.finding.counterexample!.transcript,
  });
});

test('where nothing failed nothing is written, not even a folder', async () => {
  expect(await saveCounterexamples([holds], join(folder, 'none'))).toEqual([]);
  expect(readdirSync(folder)).not.toContain('none');
});

test('a saved file is replayed step by step, the last step marked, also if its texts look like trace messages', async () => {
  const said = ['FAILED', 'STALL_TIMEOUT', 'xstate.error.actor', 'pulse', '{"type":"@xstate.actor"}'];
  const transcript = said.flatMap((text) => [
    { from: 'bus:1', to: 'run:x', text },
    { from: 'tutti:trace', text },
  ]);
  const counterexample = { what: 'it fails', seed: 7, transcript };
  const judged = { ...broken, finding: { ...broken.finding, counterexample } };
  const [file] = await saveCounterexamples([judged], join(folder, 'words'));
  const found = await traceOfTranscripts('words', new Blob([readFileSync(file!)]), 0);
  const { trace, bus, notes, counterexample: opened, about } = found!.opened;
  expect([trace.length, bus.length, notes.count, trace.faults]).toEqual([10, 10, 0, [9]]);
  expect(opened).toEqual({ what: 'it fails (seed 7)', participants: ['bus:1', 'run:x', 'tutti:trace'] });
  expect(about).toContain(`Claimed: ${broken.claim.property}`);
  expect(bus.at(3)).toMatchObject({ from: 'tutti:trace', to: undefined, text: 'STALL_TIMEOUT' });
});

test('no name leads out of the folder', async () => {
  for (const mapping of ['../../escape', '/etc/passwd', 'C:\\x', '', '..', 'ÄÖ', 'a\0b']) {
    const judged = { ...broken, claim: { ...broken.claim, mapping: mapping as never } };
    const [file] = await saveCounterexamples([judged], join(folder, 'names'));
    expect(dirname(file!), mapping).toBe(join(folder, 'names'));
    expect(basename(file!), mapping).toMatch(/^[a-z0-9-]+-invariant-guarantees-1\.json$/);
  }
});

test('a folder that cannot be written to is bad usage, and says which', async () => {
  const taken = join(folder, 'file');
  writeFileSync(taken, '');
  const saving = saveCounterexamples([broken], join(taken, 'below'));
  await expect(saving).rejects.toThrow(CommandLineError);
  await expect(saving).rejects.toThrow(/^--save .*below: cannot be written to/);
});

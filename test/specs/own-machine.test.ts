/** Claims of the guide "Check your own machine": its example finds the bug, the mended machines pass, no small mistake in
 *  the table goes unnoticed, and the guide shows what comes out of a run, word for word. */
import { readFileSync } from 'node:fs';
import {
  occurredCells,
  explore,
  realActor,
  sequenceMermaid,
  sequenceText,
  testPaths,
  propertyTest,
} from 'tutti/specs';
import { describe, expect, test } from 'vitest';
import {
  endsAnyhow,
  endsFairly,
  look,
  rules,
  unnoticed,
  upload,
} from '../../docs/examples/own-machine/check.ts';
import {
  carefulServer,
  carefulUploader,
  server,
  uploader,
} from '../../docs/examples/own-machine/uploader.ts';

const guide = readFileSync('docs/guides/check-your-own-machine.md', 'utf8');
const shown = (text: string) => expect(guide).toContain(text.trimEnd());

describe('the uploader', () => {
  test('reports that it is done, and is not, after a late acknowledgement', async () => {
    const { violation, counterexample } = await look(uploader, server);
    expect(violation!.path.map(({ kind }) => kind)).toEqual([
      'tell', 'deliver', 'timeout', 'deliver', 'deliver', 'deliver',
    ]); // prettier-ignore
    shown(sequenceText(counterexample!));
    shown(sequenceMermaid(counterexample!).split('\n').slice(0, 4).join('\n'));
  });
  test('is found out at random as well', async () => {
    const { path } = await propertyTest(upload(uploader, server), { invariant: rules, runs: 2_000 });
    expect(path).toHaveLength(6);
  });
  test('is right where no answer takes longer than it waits: that is what its author had in mind', async () => {
    const explored = await explore(upload(uploader, server, false), { invariant: rules });
    expect(explored.violation).toBeUndefined();
    expect(endsFairly(explored).holds).toBe(true);
  });
  test('that only the client mends is not mended', async () => {
    expect((await look(carefulUploader, server)).violation).toBeUndefined();
    expect(endsFairly(await look(carefulUploader, server)).holds).toBe(false);
  });
});

describe('the careful uploader', () => {
  test('is right in every situation, and ends where the network is fair', async () => {
    const explored = await look(carefulUploader, carefulServer);
    expect(explored.violation).toBeUndefined();
    expect([...occurredCells(explored, 'server')]).toEqual(['open PUT']);
    shown(`${explored.situations} situations, ${explored.steps} steps`);
    const anyhow = endsAnyhow(explored);
    expect([anyhow.holds, anyhow.owed]).toEqual([false, 1]);
    shown(sequenceText(anyhow.counterexample!));
    expect(endsFairly(explored).holds).toBe(true);
  });
  test('runs as it was explored', async () => {
    const explored = await look(carefulUploader, carefulServer);
    const tested = await testPaths(explored, { sut: realActor('uploader', carefulUploader) });
    expect(tested.counterexample).toBeUndefined();
    const other = await testPaths(explored, { sut: realActor('uploader', uploader) });
    expect(other.counterexample).toBeDefined();
  });
  test('has no small mistake that goes unnoticed, once the last rule is there', async () => {
    const { 'what is done stays done': _, ...fewer } = rules;
    const [before, after] = [await unnoticed(fewer), await unnoticed()];
    expect(after.left).toEqual([]);
    for (const { all, left } of [before, after])
      shown(`${all} mistakes, ${left.length} unnoticed: ${left.join(', ') || 'none'}`);
    expect(before.left).toHaveLength(2);
  });
});

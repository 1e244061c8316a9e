/** Claim: docs/architecture.md lists the files that a step passes through from `perform` to its station and back, at most
 *  ten, and a reader finds each of them in an import of one above it. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { perform, score } from '../../src/index.ts';
import { filesOf } from '../house/files-of.ts';

const root = join(import.meta.dirname, '../..');
const [MOST, STATION] = [10, 'machines/tomasulo/reservation-station.ts'];

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/ from '(\.[^']+)';/g)].map(([, to]) =>
    relative(root, resolve(root, dirname(file), to!)).replaceAll('\\', '/'),
  );

it('a step passes through the files that docs/architecture.md lists, at most ten, each imported above', async () => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8').split('\n## ');
  const section = page.find((part) => part.startsWith('One step'))!;
  const listed = [...section.matchAll(/^\| `([^`]+\.ts)`/gm)].map(([, file]) => file!);
  const passed = await filesOf(async () => {
    const two = score('two')
      .step('draft', { agent: () => 'text' })
      .step('review', { agent: ({ text }: { text: string }) => text.length, reads: { text: 'draft' } });
    expect((await perform(two).result).outputs).toEqual({ draft: 'text', review: 4 });
  });
  expect(listed[0]).toBe('src/score/perform.ts');
  expect(listed).toContain(STATION);
  expect(listed.length).toBeLessThanOrEqual(MOST);
  expect(listed.filter((file) => !passed.includes(file))).toEqual([]);
  listed.slice(1).forEach((file, i) => {
    expect(listed.slice(0, i + 1).flatMap(importsOf)).toContain(file);
  });
});

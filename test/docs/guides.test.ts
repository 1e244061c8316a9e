/** Claim: the code of a guide is code that runs, and what a guide says that it prints is what it prints.
 *
 *  Each guide has a folder of examples. Every TypeScript block of the guide stands in one of them, to the letter; each of
 *  them is run here, and what it prints is a text block of the guide, to the letter. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'node:util';
import { describe, expect, test, vi } from 'vitest';

/** Blocks between fences of one language, without their last line feed. */
const blocks = (guide: string, language: string): string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)\n\`\`\`$`, 'gms'))].map(
    ([, code]) => code as string,
  );

const read = (name: string) => {
  const folder = join(import.meta.dirname, '../../docs/examples', name);
  return {
    guide: readFileSync(join(import.meta.dirname, `../../docs/guides/${name}.md`), 'utf8'),
    examples: readdirSync(folder).map((file) => ({ file, path: join(folder, file) })),
  };
};

/** What a module prints while it is loaded. */
async function printed(path: string): Promise<string> {
  const said: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(format(...words)));
  try {
    await import(path);
  } finally {
    log.mockRestore();
  }
  return said.join('\n').trim();
}

describe.each(['shared-state', 'opentelemetry', 'protocols', 'steps', 'growing-scores', 'durable'])(
  '%s',
  (name) => {
    const { guide, examples } = read(name);
    const outputs = new Set<string>();

    test.each(examples)('$file runs, and the guide knows of it', async ({ file, path }) => {
      const text = await printed(path);
      if (text === '') expect(guide).toContain(`../examples/${name}/${file}`);
      else expect(blocks(guide, 'text')).toContain(text);
      outputs.add(text);
    });

    test('every output in the guide has been printed by one of them', () => {
      expect(blocks(guide, 'text').filter((text) => !outputs.has(text))).toEqual([]);
    });

    test('every piece of code in the guide stands in one of them', () => {
      const sources = examples.map(({ path }) => readFileSync(path, 'utf8'));
      const pieces = blocks(guide, 'ts');
      expect(pieces.length).toBeGreaterThan(2);
      const elsewhere = pieces.filter((piece) => !sources.some((source) => source.includes(`\n${piece}\n`)));
      expect(elsewhere).toEqual([]);
    });
  },
);

/** Claim: the code of the guide to models is code that runs, what it says is printed is printed, and its commands work. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { perform, type Score } from 'tutti';
import { loadScore } from 'tutti/node';

const folder = join(import.meta.dirname, '../../docs/examples/models');
const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/models.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)\n\`\`\`$`, 'gms'))].map(([, code]) => code!);
const examples = readdirSync(folder).filter((file) => file.endsWith('.ts'));
/** What others are made of; they print nothing. */
const parts = ['crew.ts', 'motto.ts'];

/** What a module prints while it is loaded. */
async function printed(path: string): Promise<string> {
  const said: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(format(...words)));
  vi.resetModules(); // each starts as it would by itself
  try {
    await import(path);
  } finally {
    log.mockRestore();
  }
  return said.join('\n').trim();
}

describe('the guide to models', () => {
  test('each example prints what the guide says, and every output of the guide is printed', async () => {
    vi.stubEnv('MODEL', undefined);
    const outputs = new Map<string, string>();
    for (const file of examples) outputs.set(file, await printed(join(folder, file)));
    vi.unstubAllEnvs();
    expect(examples.filter((file) => outputs.get(file) === '')).toEqual(parts);
    expect(new Set(outputs.values())).toEqual(new Set(['', ...blocks('text')]));
  });

  test('every piece of code stands in an example, to the letter', () => {
    const sources = examples.map((file) => readFileSync(join(folder, file), 'utf8'));
    const pieces = blocks('ts');
    expect(pieces.length).toBeGreaterThan(6);
    for (const piece of pieces)
      expect(
        sources.some((source) => `\n${source}`.includes(`\n${piece}\n`)),
        piece,
      ).toBe(true);
    for (const file of examples.filter((name) => !parts.includes(name))) expect(guide).toContain(`/${file})`);
  });

  test('the commands work, as they stand there', async () => {
    const main = join(import.meta.dirname, '../../src/cli/main.ts');
    const work = mkdtempSync(join(tmpdir(), 'tutti-guide-'));
    cpSync(join(folder, 'outcomes.jsonl'), join(work, 'outcomes.jsonl'));
    const commands = blocks('sh')
      .flatMap((block) => block.split('\n'))
      .filter((line) => line.startsWith('tutti '));
    expect(commands).toHaveLength(3);
    const said: string[] = [];
    for (const command of commands) {
      const args = command.replace(/#.*/, '').trim().split(/\s+/).slice(1);
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args], { cwd: work });
      said.push(stdout + stderr);
    }
    expect(said[0]).toContain('trained on 60 outcomes: router.json');
    expect(said[1]).toMatch(/cross-validated[\s\S]*prompt length[\s\S]*oracle/);
    expect(said[2]).toContain('was trained on these very rows');
  });

  test('its score has a budget, and is performed within it', async () => {
    const { score, document } = await loadScore(join(folder, 'score.yaml'));
    expect(score.program.steps[0]!.agent.spends).toBe(true); // a module's agent keeps what it is
    const { outputs, usage } = await perform(score as Score<any, any>, {
      input: {},
      budget: document.budget,
    }).result;
    expect(outputs).toEqual({ motto: 'All together, in time.' });
    expect(usage.usd!).toBeGreaterThan(0);
    expect(usage.usd!).toBeLessThan(document.budget!.usd!);
  });
});

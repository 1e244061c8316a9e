/** Claim: the commands of the guide to models say what it says that they say, and its score is performed within its budget. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { perform, type Score } from 'tutti';
import { loadScore } from 'tutti/node';

const folder = join(import.meta.dirname, '../../docs/examples/models');
const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/models.md'), 'utf8');

describe('the guide to models', () => {
  test('the commands work, as they stand there', async () => {
    const main = join(import.meta.dirname, '../../src/cli/main.ts');
    const work = mkdtempSync(join(tmpdir(), 'tutti-guide-'));
    cpSync(join(folder, 'outcomes.jsonl'), join(work, 'outcomes.jsonl'));
    const commands = guide.split('\n').filter((line) => line.startsWith('npx tutti '));
    expect(commands).toHaveLength(3);
    const said: string[] = [];
    for (const command of commands) {
      const args = command.replace(/#.*/, '').trim().split(/\s+/).slice(2);
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

/** What the code review's tests share: temporary repositories, and a small performer of its score. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';
import { parse } from 'yaml';
import { coherence, createBus, type Coherence } from 'tutti';
import { z } from 'zod';
import type {
  Checked,
  Context,
  FileList,
  ReportDraft,
  Review,
} from '../../docs/examples/code-review/agents/lib/types.ts';

const HOME = join(import.meta.dirname, '../../docs/examples/code-review');
const made: string[] = [];
afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A new folder with these files, outside any repository. */
export function folder(files: Record<string, string | Buffer> = {}): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tutti-review-')));
  made.push(root);
  for (const [path, content] of Object.entries(files)) write(root, path, content);
  return root;
}

export function write(root: string, path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const IDENTITY = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];

export function git(root: string, ...args: string[]): string {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  return execFileSync('git', ['-C', root, ...IDENTITY, ...args], { encoding: 'utf8', env, stdio: 'pipe' });
}

/** A git repository with these files committed. */
export function repository(files: Record<string, string | Buffer>): string {
  const root = folder(files);
  git(root, 'init', '-q');
  git(root, 'add', '-A', '-f');
  git(root, 'commit', '-q', '--allow-empty', '-m', 'first');
  return root;
}

export type Desk = Coherence<ReportDraft>;
/** What the triages of one review share. */
export const desk = (): Desk =>
  coherence({
    bus: createBus(),
    schema: { report: z.custom<ReportDraft['report']>() },
    initial: { report: { reviewers: [], findings: [] } },
  });

let asked = 0;
export function context(shared: Desk, signal: AbortSignal = new AbortController().signal): Context {
  return { signal, stepId: 'test', attempt: 1, shared: shared.agent(`step ${++asked}`) };
}

type Agent = (operands: Record<string, unknown>, context: Context) => Promise<unknown>;

/** Call one agent as an orchestrator would: frozen operands, and a result that is JSON. */
export async function call<Result>(
  agent: string,
  operands: Record<string, unknown>,
  signal?: AbortSignal,
  shared = desk(),
): Promise<Result> {
  const url = pathToFileURL(join(HOME, 'agents', `${agent}.ts`)).href;
  const { default: run } = (await import(/* @vite-ignore */ url)) as { default: Agent };
  const result = await run(frozen(operands) as Record<string, unknown>, context(shared, signal));
  return JSON.parse(JSON.stringify(result)) as Result;
}

function frozen(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) frozen(part);
    Object.freeze(value);
  }
  return value;
}

export const listFiles = (repo: string) => call<FileList>('files', { repo });

export async function reviewBy(reviewer: string, repo: string): Promise<Review> {
  return call<Review>(reviewer, { files: await listFiles(repo) });
}

interface Score {
  agents: Record<string, { module: string }>;
  steps: {
    id: string;
    agent: string;
    reads: Record<string, string>;
    writes?: string;
    join?: string;
  }[];
  outputs: Record<string, string>;
}

export interface Performance {
  'report.md': string;
  'report.html': string;
  findings: Checked;
}

/** Perform the score with promises only. `broken` names agents that fail instead of running. */
export async function review(repo: string, broken: readonly string[] = []): Promise<Performance> {
  const shared = desk();
  const score = parse(readFileSync(join(HOME, 'score.yaml'), 'utf8')) as Score;
  const names = new Map<string, Promise<unknown>>([['input', Promise.resolve({ repo })]]);
  const read = async (path: string) => {
    const [name = '', ...properties] = path.split('.');
    let value = await names.get(name);
    if (!names.has(name)) throw new Error(`no step writes ${name}`);
    for (const property of properties) value = (value as Record<string, unknown>)[property];
    return value;
  };
  for (const step of score.steps) {
    const settled = step.join === 'allSettled';
    const operands = Promise.all(
      Object.entries(step.reads).map(async ([operand, path]) => {
        if (!settled) return [operand, await read(path)];
        const [result] = await Promise.allSettled([read(path)]);
        return [operand, JSON.parse(JSON.stringify(result, errors))];
      }),
    );
    const result = operands.then((entries) => {
      if (broken.includes(step.agent)) throw new Error(`${step.agent} was made to fail`);
      const given = Object.fromEntries(entries) as Record<string, unknown>;
      return call(step.agent, given, undefined, shared);
    });
    result.catch(() => {});
    names.set(step.writes ?? step.id, result);
  }
  const outputs = Object.entries(score.outputs).map(async ([name, path]) => [name, await read(path)]);
  return Object.fromEntries(await Promise.all(outputs)) as Performance;
}

const errors = (_: string, value: unknown) => (value instanceof Error ? { message: value.message } : value);

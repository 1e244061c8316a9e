import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../docs/examples/code-review/agents/lib/child.ts';
import { call, folder, git, listFiles, repository, review, write } from './code-review.helpers.ts';

const signal = () => new AbortController().signal;
const node = (code: string, options: Partial<Parameters<typeof run>[2]> = {}) =>
  run(process.execPath, ['-e', code], {
    cwd: '/',
    signal: signal(),
    timeout: 30,
    onRecord: () => {},
    ...options,
  });

/** Ids that are still alive; a zombie is not. */
const alive = (ids: number[]) =>
  ids.filter((id) => {
    try {
      process.kill(id, 0);
      return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${id}/stat`, 'utf8'));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  });

const gone = async (ids: number[]) => await expect.poll(() => alive(ids), { timeout: 10_000 }).toEqual([]);

/** A program that starts another one, prints both ids, and never ends. */
const FAMILY = `const { spawn } = require('node:child_process');
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
console.log(process.pid + ' ' + child.pid);`;
const ENDLESS = `${FAMILY} setInterval(() => {}, 1000)`;

describe('code review: a child process', () => {
  it('dies with all it started when the review is aborted', async () => {
    const controller = new AbortController();
    let ids: number[] = [];
    const running = node(ENDLESS, {
      signal: controller.signal,
      timeout: 600,
      onRecord: (line) => {
        ids = line.split(' ').map(Number);
        controller.abort(new Error('enough'));
      },
    });
    await expect(running).rejects.toThrow('enough');
    expect(ids).toHaveLength(2);
    await gone(ids);
  });

  it('dies with all it started when its time is up, and the outcome says so', async () => {
    let ids: number[] = [];
    const outcome = await node(ENDLESS, {
      timeout: 1,
      onRecord: (line) => (ids = line.split(' ').map(Number)),
    });
    expect(outcome).toMatchObject({ timedOut: true, code: null, killedBy: 'SIGKILL' });
    await gone(ids);
  });

  it('leaves nothing behind when it ends by itself, even a process that holds its output open', async () => {
    let ids: number[] = [];
    const outcome = await node(`${FAMILY.replace("'ignore'", "'inherit'")} child.unref()`, {
      onRecord: (line) => (ids = line.split(' ').map(Number)),
    });
    expect(outcome).toMatchObject({ code: 0, timedOut: false });
    expect(ids).toHaveLength(2);
    await gone(ids);
  });

  it('is not started at all after an abort', async () => {
    await expect(node('', { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
  });

  it('gets none of the environment but what is needed to run', async () => {
    process.env['TUTTI_TEST_KEY'] = 'x';
    const names: string[] = [];
    await node('console.log(Object.keys(process.env).join("\\n"))', { onRecord: (line) => names.push(line) });
    delete process.env['TUTTI_TEST_KEY'];
    expect(names).toContain('PATH');
    expect(names.filter((name) => /TUTTI|NODE_|GIT_DIR/.test(name))).toEqual([]);
  });

  it('may print far more than is kept: records stream, one that is too long is counted', async () => {
    let records = 0;
    const outcome = await node(
      'const line = "x".repeat(999) + "\\n"; for (let i = 0; i < 20000; i++) process.stdout.write(line); process.stdout.write("y".repeat(3e6) + "\\nlast\\n")',
      { onRecord: () => records++ },
    );
    expect(records).toBe(20_001);
    expect(outcome.oversized).toBe(1);
  });
});

describe('code review: a reviewer that is aborted', () => {
  it.each(['security', 'performance', 'correctness', 'style', 'documentation', 'testing'])(
    '%s rejects with the reason and leaves no child',
    async (reviewer) => {
      const root = repository({
        'a.ts': 'export const a: number = 1;\n',
        'a.test.ts': "import { it } from 'vitest';\n",
        'tsconfig.json': '{}\n',
        'a.md': '# A\n',
      });
      const files = await listFiles(root);
      const controller = new AbortController();
      const running = call(reviewer, { files }, controller.signal);
      setTimeout(() => controller.abort(new Error('enough')), 20);
      await expect(running).rejects.toThrow('enough');
      await expect.poll(() => analysersRunning(), { timeout: 10_000 }).toEqual([]);
    },
  );
});

/** Analysers that this process started and that still run (Linux; elsewhere nothing is seen). */
function analysersRunning(): string[] {
  let ids: string[];
  try {
    ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return ids.filter((id) => {
    try {
      const parent = /^\d+ \(.*\) \w (\d+)/s.exec(readFileSync(`/proc/${id}/stat`, 'utf8'))?.[1];
      const command = readFileSync(`/proc/${id}/cmdline`, 'utf8');
      return parent === String(process.pid) && /oxlint|programs\//.test(command);
    } catch {
      return false;
    }
  });
}

describe('code review: ten thousand files', () => {
  it('are all read, findings are cut, and the report says how many', async () => {
    const root = folder();
    const extensions = ['js', 'ts', 'py', 'md', 'txt'];
    const content = {
      js: 'export const a = eval;\n',
      ts: 'var b = 1; \n',
      py: 'x = 1 \n',
      md: '[x](gone.md)\n',
      txt: 'x\n',
    };
    for (let n = 0; n < 10_000; n++) {
      const extension = extensions[n % 5] as keyof typeof content;
      write(
        root,
        join(`folder-${n % 50}`, `file-with-quite-a-long-name-${n}.${extension}`),
        content[extension],
      );
    }
    git(root, 'init', '-q');
    const { findings, ...reports } = await review(root);
    const analysers = findings.reviewers.flatMap(({ analysers: some }) => some);
    expect(analysers.filter(({ status }) => status === 'partly' || status === 'failed')).toEqual([]);
    expect(analysers.find(({ name }) => name === 'secretlint')?.files).toBe(10_000);
    expect(analysers.find(({ name }) => name === 'oxlint (style)')?.files).toBe(4000);
    const links = findings.findings.filter(({ rule }) => rule === 'broken-link').length;
    const cut = findings.reviewers
      .flatMap(({ cut: some }) => some)
      .find(({ rule }) => rule === 'broken-link');
    expect(links + (cut?.count ?? 0)).toBe(2000);
    expect(findings.findings.length).toBeLessThan(1200);
    expect(reports['report.html'].length).toBeLessThan(2_000_000);
  }, 120_000);
});

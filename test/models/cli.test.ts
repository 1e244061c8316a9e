/** Claims, as a user of the command line meets them: what is wrong with models, prices, tables, budgets and training data ends with 2, the place and the remedy; and a key is in nothing that is printed or written. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { chatServer } from './helpers.ts';

const source = (path: string) => new URL(`../../src/${path}`, import.meta.url).href;
const main = fileURLToPath(source('cli/main.ts'));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
function tutti(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const keyless = Object.entries(process.env).filter(([name]) => !name.endsWith('_API_KEY'));
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...Object.fromEntries(keyless), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

/** A score of one step beside its agent, with the library in reach. */
function scoreWith(agent: string, more = ''): string {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-models-'));
  writeFileSync(
    join(folder, 'agent.mjs'),
    `import * as models from ${JSON.stringify(source('models/index.ts'))};
     import * as routing from ${JSON.stringify(source('routing/index.ts'))};
     import * as testing from ${JSON.stringify(source('testing/index.ts'))};
     import { UnitGovernor } from ${JSON.stringify(new URL('../../actors/governor/governor.ts', import.meta.url).href)};
     ${agent}`,
  );
  const file = join(folder, 'score.yaml');
  writeFileSync(
    file,
    `score: s\n${more}agents:\n  a: { module: ./agent.mjs }\nsteps:\n  - { id: ask, agent: a }\noutputs: { answer: ask }\n`,
  );
  return file;
}
const asks = (name: string) =>
  `export default async (operands, context) => {
     const model = await models.modelFromEnvironment(${JSON.stringify(name)}, process.env);
     return (await models.modelCall({ prompt: 'Say something.', retry: { delayMs: 1 } })({}, context, { model })).output;
   };`;
const governedBy = (table: string, registry: string) =>
  `const router = routing.createRouter(${table});
   const governor = new UnitGovernor({ unit: 'a' });
   export default models.modelAgent({ name: 'a', prompt: 'x', model: models.governed({ governor, router, models: ${registry} }) });`;
const scripted = `testing.scriptedModel({ provider: 'own', modelId: 'small', script: () => 'fine' })`;
const fine = `export default models.modelAgent({ name: 'a', prompt: 'x', model: ${scripted} });`;

const bad: [what: string, agent: string, budget: string, said: RegExp][] = [
  [
    'an unknown provider',
    asks('unknown:m'),
    '',
    /model 'unknown:m': there is no provider 'unknown'. Use anthropic.*or set TUTTI_UNKNOWN_BASE_URL/,
  ],
  ['a name that is none', asks('m'), '', /'m' names no model. Write 'provider:name'/],
  [
    'a missing key',
    asks('openai:m'),
    '',
    /provider 'openai': no key. Set OPENAI_API_KEY, or use a local model/,
  ],
  [
    'an unknown model',
    governedBy(
      `{ nearest: true, table: [{ tempo: 'presto', dynamics: 'ff', model: 'own:large' }] }`,
      `{ 'own:small': ${scripted} }`,
    ),
    '',
    /model 'own:large': provider 'own' has no model 'large'. Register it; known: own:small/,
  ],
  [
    'a table with a hole',
    governedBy(`{ table: [{ tempo: 'presto', dynamics: 'ff', model: 'own:small' }] }`, '{}'),
    '',
    /no row for grave\/ppp, grave\/pp, grave\/p and 60 more cells. Add the rows, or say nearest: true/,
  ],
  [
    'a missing price',
    fine,
    'budget: { usd: 1 }\n',
    /prices\['own:small'\]: no price is known. Give one: overrides: \{ 'own:small': \{ input, output \} \}/,
  ],
  [
    'a negative price',
    `export const prices = await routing.loadPrices({ overrides: { 'own:small': { input: -1, output: 2 } } }); ${fine}`,
    '',
    /prices\['own:small'\].input: -1 is negative. Give US dollars per million tokens, 0 or more/,
  ],
  [
    'a negative budget',
    fine,
    'budget: { usd: -1 }\n',
    /score.yaml:2:\d+: 'usd': must be US dollars from 0 to 1,000,000; leave it out/,
  ],
  [
    'no calls at all',
    fine,
    'budget: { calls: 0 }\n',
    /score.yaml:2:\d+: 'calls': must be a whole number of at least 1/,
  ],
  [
    'half a token',
    fine,
    'budget:\n  tokens: 0.5\n',
    /score.yaml:3:\d+: 'tokens': must be a whole number of at least 1/,
  ],
  ['words for money', fine, 'budget: { usd: much }\n', /score.yaml:2:\d+: 'usd': must be US dollars/],
  [
    'another currency',
    fine,
    'budget: { euros: 1 }\n',
    /score.yaml:2:\d+: unknown key 'euros' in the budget; known are calls, tokens, usd/,
  ],
];

describe('what cannot be performed', () => {
  test.concurrent.each(bad)('%s: exit code 2, and what to do', async (_, agent, budget, said) => {
    const { code, stderr } = await tutti(['perform', scoreWith(agent, budget), '--quiet']);
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });

  test('a model that the provider does not know, and a key that it does not take: 2; a provider that fails: 1', async () => {
    let status = 404;
    await using server = await chatServer(() => ({ kind: 'status', status }));
    const file = scoreWith(asks('wire:nope'));
    const ask = () => tutti(['perform', file, '--quiet'], { TUTTI_WIRE_BASE_URL: server.baseURL });
    const unknown = await ask();
    expect(unknown.stderr).toMatch(
      /model 'wire:nope': the request is refused \(404.*Check the model's name and the address/,
    );
    expect(unknown.code).toBe(2);
    status = 401;
    expect(await ask()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Check the key') as string,
    });
    status = 500;
    expect(await ask()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Try again later') as string,
    });
  });

  test.each([
    [
      'a value that is no quality',
      '{"prompt":"a","weak":0,"strong":1}\n{"prompt":"b","weak":2,"strong":1}',
      /row 2, column 'weak': 2 is not a number from 0 to 1. Write 1 where the weak/,
    ],
    [
      'a row without a task',
      '[{"prompt":"a","weak":0,"strong":1},{"weak":0,"strong":1}]',
      /row 2, column 'prompt': nothing is no task. Write the task/,
    ],
    [
      'a line that is no JSON',
      '{"prompt":"a","weak":0,"strong":1}\n{"prompt":',
      /row 2: it is not JSON.*Correct the line or remove it/,
    ],
    ['nothing', '', /it is empty. Give \{"rows"/],
    [
      'columns that are swapped',
      Array.from({ length: 30 }, (_, i) => `{"prompt":"task ${i}","weak":1,"strong":0}`).join('\n'),
      /the strong model is not better.*Check that the columns are not swapped/,
    ],
  ])('training data with %s', async (_, text, said) => {
    const folder = mkdtempSync(join(tmpdir(), 'tutti-training-'));
    const data = join(folder, 'outcomes.jsonl');
    writeFileSync(data, text);
    const commands = [
      ['train-router', data, '--out', join(folder, 'router.json')],
      ['evaluate-router', data],
    ];
    for (const { code, stdout, stderr } of await Promise.all(commands.map((args) => tutti(args)))) {
      expect(stderr).toMatch(said);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    }
    expect(readdirSync(folder)).toEqual(['outcomes.jsonl']);
  });
});

describe('a budget of a score', () => {
  test('in money stops what it cannot pay for, and says so', async () => {
    const prices = `await routing.loadPrices({ overrides: { 'own:small': { input: 1, output: 1000 } } })`;
    const agent = `export default models.modelAgent({ name: 'a', prompt: 'x', model: ${scripted}, maxOutputTokens: 100, prices: ${prices} });`;
    const poor = await tutti(['perform', scoreWith(agent, 'budget: { usd: 0.01 }\n'), '--json']);
    expect(poor.stderr).toMatch(
      /the next call may need \$0\.1\d+ of budget.usd, and \$0.010000 of \$0.010000 are left; raise/,
    );
    expect(poor.code).toBe(1);
    const rich = await tutti(['perform', scoreWith(agent, 'budget: { usd: 1 }\n')]);
    expect(rich.stdout).toMatch(/answer: fine[\s\S]*models: 1 calls, \d+ tokens, \$0\.00\d\d/);
    expect(rich.code).toBe(0);
  });

  test('in calls counts agents', async () => {
    const file = scoreWith(`let n = 0; export default () => ++n;`, 'budget: { calls: 1 }\n');
    writeFileSync(file, readFileSync(file, 'utf8').replace('outputs', '  - { id: more, agent: a }\noutputs'));
    const { code, stderr } = await tutti(['perform', file, '--quiet']);
    expect(stderr).toMatch(/budget/);
    expect(code).toBe(1);
  });
});

describe('a key', () => {
  const KEY = 'tutti-Test-0123456789-abcdefgh';
  /** All that is in a folder, names included. */
  const written = (folder: string): string =>
    readdirSync(folder)
      .map((name) => {
        const path = join(folder, name);
        return `${name}\n${statSync(path).isDirectory() ? written(path) : readFileSync(path, 'utf8')}`;
      })
      .join('\n');

  test.each([
    ['a server throws back', asks('wire:tiny')],
    [
      'an agent throws',
      `export default () => { throw new Error('sent ' + process.env.TUTTI_WIRE_API_KEY); };`,
    ],
    ['a module says while it is loaded', `throw new Error('key=' + process.env.TUTTI_WIRE_API_KEY);`],
  ])('that %s is in nothing that is printed, traced or written', async (_, agent) => {
    await using server = await chatServer(({ headers }, number) => ({
      kind: 'status',
      status: number % 2 === 0 ? 401 : 500,
      body: JSON.stringify({
        error: { message: `you sent ${String(headers.authorization)}; bad key ${KEY}` },
      }),
    }));
    const env = { TUTTI_WIRE_BASE_URL: server.baseURL, TUTTI_WIRE_API_KEY: KEY };
    const file = scoreWith(agent);
    const folder = mkdtempSync(join(tmpdir(), 'tutti-key-'));
    const run = (number: number, ...flags: string[]) => {
      const [trace, out] = [join(folder, `${number}.jsonl`), join(folder, `out-${number}`)];
      return tutti([...flags, 'perform', file, '--trace', trace, '--out', out], env);
    };
    const runs = [run(1), run(2, '--debug')];
    for (const flag of ['--json', '--quiet']) {
      const path = join(folder, flag);
      runs.push(tutti(['perform', file, flag, '--trace', `${path}.jsonl`, '--out', path], env));
    }
    for (const { code, stdout, stderr } of await Promise.all(runs)) {
      expect(code).not.toBe(0);
      expect(stderr).toContain('[redacted]');
      expect(stdout + stderr).not.toContain(KEY);
    }
    expect(written(folder)).not.toContain(KEY);
    if (agent.includes('tiny')) {
      expect(server.asked[0]!.headers.authorization).toBe(`Bearer ${KEY}`); // it did travel
      expect(written(folder)).toContain('[redacted]');
    }
  });
});

test.each([
  ['nope:x', /there is no provider 'nope'/],
  ['nope', /names no model/],
])('--model %s is bad usage, before anything runs', async (name, said) => {
  const review = fileURLToPath(new URL('../../docs/examples/code-review/score.yaml', import.meta.url));
  const { code, stderr, stdout } = await tutti(['perform', review, '--model', name]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(said);
});

const review = fileURLToPath(new URL('../../docs/examples/code-review/score.yaml', import.meta.url));
/** Reviews a folder with one text in it. */
const reviewing = (flags: string[], env: Record<string, string> = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-review-'));
  writeFileSync(join(folder, 'README.md'), '# A\n\nText.\n');
  return tutti(['perform', review, '--input', `repo=${folder}`, ...flags], env);
};

test('without a model the review says so in one line and goes on', async () => {
  const { code, stderr } = await reviewing([]);
  expect(stderr).toMatch(/^tutti: no model is asked; --model provider:name asks one\.$/m);
  expect(code).toBe(0);
});

test.each(['openai:tiny', 'ollama:tiny,openai:tiny'])(
  '--model %s without a key is bad usage, before anything runs',
  async (name) => {
    const { code, stdout, stderr } = await reviewing(['--model', name], { OPENAI_API_KEY: '' });
    expect(stderr).toMatch(/provider 'openai': no key. Set OPENAI_API_KEY/);
    expect([code, stdout]).toEqual([2, '']);
  },
);

describe('a provider, asked by one of several reviewers,', () => {
  const findings = JSON.stringify({ findings: [] });
  const asking = async (status: number, more: string[] = []) => {
    await using server = await chatServer(({ body }) =>
      body.model === 'wrong' ? { kind: 'status', status } : { kind: 'answer', text: findings },
    );
    const env = { TUTTI_WIRE_BASE_URL: server.baseURL, TUTTI_WIRE_API_KEY: 'a-key-for-no-account' };
    const model = ['wire:wrong', ...more].join(',');
    const ended = await reviewing(['--model', model], env);
    return { ...ended, requests: server.asked.length };
  };

  test.each([
    [401, /^tutti: model 'wire:wrong': the request is refused \(401: no\)\. Check the key\.$/m],
    [404, /^tutti: model 'wire:wrong': .*Check the model's name and the address\.$/m],
  ])('that answers %i ends the command with 2, and the others’ findings are there', async (status, said) => {
    const { code, stderr, stdout, requests } = await asking(status);
    expect(stderr).toMatch(said);
    expect([code, requests]).toEqual([2, 1]);
    expect(stdout).toMatch(/report\.md/);
  });
  test('that has no quota left is not asked again, and the review goes on without it', async () => {
    const { code, requests } = await asking(402);
    expect([code, requests]).toEqual([0, 1]);
  });
  test('that rejects the key gives way to the next one of --model a,b, and the command says so', async () => {
    const { code, stdout, requests } = await asking(401, ['wire:right']);
    expect(stdout).toMatch(/^fallback: step 'model': wire:wrong failed \(refused\); wire:right answered$/m);
    expect([code, requests]).toEqual([0, 2]);
  });
});

test('an input that the score does not have is refused by its name, with those that it has', async () => {
  const review = fileURLToPath(new URL('../../docs/examples/code-review/score.yaml', import.meta.url));
  const { code, stderr } = await tutti(['perform', review, '--input', 'rep=.']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('no such input; it has repo, model.')]);
});

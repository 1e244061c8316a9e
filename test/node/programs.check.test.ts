/** Claim: what a score or a caller says about a program is checked before it runs: misspelt options and placeholders,
 *  operands that could become options or code, and operands that the program does not get. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { perform, score } from 'tutti';
import { loadScore, programAgent } from 'tutti/node';
import { programEnvironment } from '../../src/node/program-environment.ts';
import { folder } from './programs.helpers.ts';

const load = async (agent: string, reads = '{ big: input.big }', more = '') => {
  const file = join(folder(), 'score.yaml');
  writeFileSync(
    file,
    `score: s\nagents:\n  a: ${agent}\nsteps:\n  - { id: x, agent: a, reads: ${reads}${more} }\n`,
  );
  return loadScore(file);
};

const warned: [what: string, agent: string, said: RegExp][] = [
  [
    'a misspelt placeholder',
    '{ command: [echo, "--", "{bgi}"] }',
    /:3:\d+: no operand of step 'x' fills '\{bgi\}'\. Did you mean '\{big\}'/,
  ],
  [
    'a placeholder that is like no operand',
    '{ command: [echo, "a{other}"] }',
    /no operand .* fills '\{other\}'\. The step reads: big/,
  ],
  ['a property of an operand', '{ command: [echo, "a{big.size}"] }', /no operand .* fills '\{big\.size\}'/],
  [
    'an operand that could be an option',
    '{ command: [echo, "{big}"] }',
    /:3:\d+: '\{big\}' stands where 'echo' expects options/,
  ],
  [
    'an operand after a -- of another program',
    '{ command: [npm, exec, "--", eslint, "{big}"] }',
    /'\{big\}' stands where/,
  ],
  [
    'an operand that chooses the option',
    '{ command: [echo, "--{big}"] }',
    /'big' chooses an option of 'echo'/,
  ],
  ['an operand that chooses the program', '{ command: ["{big}"] }', /'big' chooses the program/],
  [
    'an operand that the program does not get',
    '{ command: [echo], stdin: none }',
    /step 'x' reads 'big', but the program does not get it/,
  ],
  ['a misspelt placeholder in a script', '{ command: [sh, -c, "echo {bgi}"] }', /Did you mean '\{big\}'/],
];
test.each(warned)('check warns of %s', async (_, agent, said) => {
  const { warnings } = await load(agent);
  expect(warnings.filter((each) => said.test(each))).toHaveLength(1);
});

const fine: [what: string, agent: string][] = [
  ['an embedded operand', '{ command: [echo, "--name={big}", "x{big}"] }'],
  ['an operand after --', '{ command: [grep, pattern, "--", "{big}"] }'],
  ['an operand after the -- of the last program', '{ command: [npm, exec, "--", eslint, "--", "{big}"] }'],
  ['an argument of a shell script', '{ command: [sh, -c, "cat \\"$1\\"; echo ${HOME}", sh, "{big}"] }'],
  ['operands on standard input', '{ command: [jq, .] }'],
  ['braces of a script', '{ command: [node, -e, "if (1) {other} else { big }"] }'],
  ['the last round of a vamp', '{ command: [echo, "--last={previous}"] }'],
];
test.each(fine)('check does not warn of %s', async (_, agent) => {
  const { warnings } = await load(agent, '{ big: input.big }', ', vamp: { max: 2, until: ok }');
  expect(warnings).toEqual([]);
});

const code = [
  '[sh, -c, "echo {big}"]',
  '[/bin/bash, -euo, pipefail, -c, "{big}"]',
  '[env, A=b, sh, -lc, "echo {big}"]',
  '[python3.12, -c, "print(\'{big}\')"]',
  '[node, --input-type=module, -e, "console.log(\'{big}\')"]',
  '[node, "--eval={big}"]',
  '[perl, -ne, "{big}"]',
  '[cmd.exe, /c, echo, "{big}"]',
  '[pwsh, -NoProfile, -Command, echo, "{big}"]',
];
test.each(code)('an operand inside the text of a script is refused with its place: %s', async (command) => {
  await expect(load(`{ command: ${command} }`)).rejects.toThrow(
    /score\.yaml:3:\d+: '\{big\}' is inside the text of a script/,
  );
});

const refused: [agent: string, said: RegExp][] = [
  ['{ comand: [echo] }', /score\.yaml:3:8: unknown key 'comand' in an agent; .*Did you mean 'command'\?/],
  ['{ modul: ./a.js }', /unknown key 'modul' in an agent; .*Did you mean 'module'\?/],
  [
    '{ command: [echo], inheritEnvs: [A] }',
    /unknown key 'inheritEnvs' in an agent; .*Did you mean 'inheritEnv'\?/,
  ],
  ['{ command: [echo], export: a }', /unknown key 'export' in an agent; known are command, [^.]*timeout\.$/],
  [
    '{ module: ./a.js, stdin: none }',
    /unknown key 'stdin' in an agent; known are module, export, capacity, timeout\.$/,
  ],
  ['{ command: [echo], module: ./a.js }', /'command' or a 'module', not both/],
  ['{ command: echo }', /'command': expected array/],
  ['{ command: [] }', /'command'/],
  ['{ command: [""] }', /'command': the first item is the program, and it is empty/],
  ['{ command: [echo, 3] }', /'command\[1\]': expected string, received number/],
  ['{ command: [echo, "a\\0b"] }', /'command\[1\]': contains NUL/],
  ['{ command: [echo], env: { A: 3 } }', /'A': expected string/],
  ['{ command: [echo], env: { "A=B": x } }', /no name of an environment variable/],
  ['{ command: [echo], env: { A: "a\\0b" } }', /'A': contains NUL/],
  ['{ command: [echo], inheritEnv: A }', /'inheritEnv': expected array/],
  ['{ command: [echo], output: jsn }', /'output'/],
  ['{ command: [echo], capacity: 0 }', /'capacity'/],
  ['{ command: [echo], maxOutput: 1e12 }', /'maxOutput'/],
  ['echo', /'a': expected object/],
];
test.each(refused)(
  'a score with the agent %s is refused with its place and the reason',
  async (agent, said) => {
    await expect(load(agent)).rejects.toThrow(said);
    await expect(load(agent)).rejects.toThrow(/score\.yaml:3:\d+: /);
  },
);

const options: [given: object, said: RegExp][] = [
  [{ comand: ['echo'] }, /^programAgent: unknown option 'comand'\. Did you mean 'command'\?/],
  [{ command: ['echo'], timeoutMS: 3 }, /unknown option 'timeoutMS'\. Did you mean 'timeoutMs'\?/],
  [{ command: 'echo' }, /^programAgent: command: expected array/],
  [{ command: ['echo'], capacity: Number.NaN }, /capacity/],
  [{ command: ['echo'], timeoutMs: -1 }, /timeoutMs/],
  [{ command: ['echo'], name: '' }, /name/],
  [{ command: ['echo'], env: { A: 1 } }, /env\.A: expected string/],
];
test.each(options)('programAgent refuses %o', (given, said) => {
  expect(() => programAgent({ name: 'a', ...given } as never)).toThrow(TypeError);
  expect(() => programAgent({ name: 'a', ...given } as never)).toThrow(said);
});

test.skipIf(process.platform === 'win32')(
  'programAgent is an agent of the builder, with its defaults',
  async () => {
    const shout = programAgent({
      ...{ name: 'shout', command: ['sh', '-c', 'printf "%s%s" "$1" "$MARK"', 'sh', '{text}'] },
      env: { MARK: '!' },
    });
    const slow = programAgent({ name: 'slow', command: ['sleep', '60'], timeoutMs: 50 });
    const both = score('both')
      .input(z.string())
      .step('loud', { agent: shout, reads: { text: 'input' } })
      .step('late', { agent: slow, reads: {}, default: 'nothing' });
    const { outputs } = await perform(both, { input: '-hello' }).report;
    expect(outputs).toEqual({ loud: '-hello!', late: 'nothing' });
  },
);

describe('the environment of a program', () => {
  const system = {
    PATH: '/bin',
    HOME: '/home/me',
    LC_ALL: 'C',
    OPENAI_API_KEY: 'sk',
    TOKEN: 't',
    LC_secret: 's',
  };

  test('is the harmless part of this one, what is named, and nothing else', () => {
    expect(
      programEnvironment({ env: { A: 'b', HOME: '/tmp' }, inheritEnv: ['TOKEN', 'NOT_SET'] }, system, false),
    ).toEqual({ PATH: '/bin', LC_ALL: 'C', TOKEN: 't', A: 'b', HOME: '/tmp' });
  });

  test('has names without regard to case on Windows, each once', () => {
    const windows = { Path: 'C:\\bin', systemroot: 'C:\\Windows', TEMP: 'C:\\t', Token: 't', Key: 'k' };
    expect(programEnvironment({ env: { PATH: 'D:\\bin' }, inheritEnv: ['TOKEN'] }, windows, true)).toEqual({
      ...{ systemroot: 'C:\\Windows', TEMP: 'C:\\t', Token: 't', PATH: 'D:\\bin' },
    });
  });
});

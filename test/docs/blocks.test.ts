/** Claim: the code blocks of the README and the guides run as printed, from the packed package, and compile with every
 *  TypeScript that is supported.
 *
 *  A `ts` block is a program, or says in its first line what it continues or under which name it is saved. A `text` block
 *  is what the program above it prints. A `yaml` block is a score. An `sh` block is run in the same folder; one that needs
 *  a clone of the repository, takes minutes, or lists alternatives says so in its first line and is not run. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocksOf, filesOf, install, linkedFiles, pack, pages, run, standIns, type Block } from './packed.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tutti-docs-'));
/** What the pages tell their readers to install, and the types that a program in TypeScript needs. */
const PACKAGES = [
  'tutti',
  'zod',
  'xstate',
  'rxjs',
  'ai',
  '@ai-sdk/provider',
  '@ai-sdk/openai-compatible',
  '@pydantic/genai-prices',
  '@opentelemetry/api',
  '@opentelemetry/sdk-trace-base',
  'fast-check',
  '@types/node',
  '@types/json-schema', // `@ai-sdk/provider` imports it and does not install it
];
/** The first line of a block that is not run here, and why. */
const NOT_RUN = /^# (in a clone of this repository|takes minutes|alternatives, not one script)/;
const pageFolder = (page: string) => join(folder, page.replaceAll('/', '-').replace(/\.md$/, ''));
const pagesWithCode = pages.filter((page) => blocksOf(page).some(({ language }) => language !== 'text'));
const withoutBlankLines = (text: string) => text.replaceAll(/\n\s*\n/g, '\n').trim();
let archive = '';
let path = '';

beforeAll(async () => {
  archive = await pack(folder);
  await install(folder, archive, PACKAGES);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }),
  );
  path = standIns(join(folder, 'stand-ins'), archive);
  for (const page of pagesWithCode) {
    mkdirSync(pageFolder(page));
    for (const [name, text] of linkedFiles(page)) writeFileSync(join(pageFolder(page), name), text);
    for (const { name, text } of filesOf(page).files) writeFileSync(join(pageFolder(page), name), text);
  }
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true }));

test('every block has a language that is checked here', () => {
  const known = ['ts', 'sh', 'yaml', 'text', 'mermaid'];
  expect(pages.flatMap(blocksOf).filter(({ language }) => !known.includes(language))).toEqual([]);
});

/** Runs the commands of one block, as a reader types them. */
async function runCommands(block: Block, cwd: string): Promise<void> {
  if (NOT_RUN.test(block.text)) {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...block.text.matchAll(/npm (?:run )?([\w:]+)/g)].map(([, name]) => name as string);
    expect(named.filter((name) => name !== 'ci' && scripts[name] === undefined)).toEqual([]);
    return;
  }
  const text = block.text.replaceAll(/^(?=npx .*# .*until Ctrl-C)/gm, 'until-interrupted ');
  const { code, out, err } = await run('sh', ['-ec', text], { cwd, env: { ...process.env, PATH: path } });
  expect(code, `${block.place}\n${out}${err}`).toBe(0);
}

describe.concurrent.each(pagesWithCode)('%s', (page) => {
  test('runs as printed', { timeout: 240_000 }, async () => {
    const cwd = pageFolder(page);
    for (const step of filesOf(page).steps) {
      if ('language' in step) await runCommands(step, cwd);
      else if (step.name.endsWith('.yaml')) {
        const args = ['node_modules/tutti/bin/tutti.js', 'check', join(cwd, step.name)];
        const { code, out, err } = await run(process.execPath, args, { cwd: folder });
        expect(code, `${step.place}\n${out}${err}`).toBe(0);
      } else {
        const { code, out, err } = await run(process.execPath, [step.name], { cwd });
        expect(code, `${step.place}\n${out}${err}`).toBe(0);
        expect(withoutBlankLines(out), step.place).toBe(withoutBlankLines(step.output ?? ''));
      }
    }
  });
});

/** The oldest TypeScript that is supported, the newest 5, and those after it. */
const COMPILERS = ['typescript-5.5', 'typescript-5', 'typescript', 'typescript-7'];
/** The AI SDK's own types are not valid before TypeScript 5.7; what imports them is left out with the oldest. */
const AI_SDK = /from 'tutti\/(models|testing|otel)'|from '.\/(crew|setup).ts'/;
const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};
/** The native compiler checks both resolutions in a second; the others check one, and both in a deep run. */
const resolutionsOf = (compiler: string) =>
  Object.entries(RESOLUTIONS).filter(
    ([name]) => name === 'nodenext' || compiler === 'typescript-7' || process.env['TUTTI_DEEP'] !== undefined,
  );
describe.concurrent.each(COMPILERS)('%s', (compiler) => {
  test.each(resolutionsOf(compiler))('compiles all of it: %s', { timeout: 240_000 }, async (name, how) => {
    const compilerOptions = {
      ...how,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
      types: ['node'],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      allowImportingTsExtensions: true,
    };
    const files = pagesWithCode.flatMap((page) =>
      [...linkedFiles(page).keys(), ...filesOf(page).files.map((file) => file.name)]
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(pageFolder(page), file))
        .filter((file) => compiler !== 'typescript-5.5' || !AI_SDK.test(readFileSync(file, 'utf8'))),
    );
    const project = join(folder, `${compiler}-${name}.json`);
    writeFileSync(project, JSON.stringify({ compilerOptions, files }));
    const { code, out } = await run(
      process.execPath,
      [join(root, 'node_modules', compiler, 'bin/tsc'), '-p', project],
      { cwd: folder },
    );
    expect(out).toBe('');
    expect(code).toBe(0);
  });
});

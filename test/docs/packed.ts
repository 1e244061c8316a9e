/** The packed package, installed into an empty folder as a user installs it, and the code blocks of the pages. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** What a process printed, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end, or for two minutes. */
export function run(program: string, args: readonly string[], { cwd, env = process.env }: RunOptions) {
  return new Promise<Ended>((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** One fenced block of a page. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** `README.md:12` */
  readonly place: string;
}

export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs/guides')).map((file) => `docs/guides/${file}`),
];

export const blocksOf = (page: string): Block[] =>
  [...read(page).matchAll(/^```(\w+)\n(.*?)\n```$/gms)].map((match) => ({
    language: match[1] as string,
    text: match[2] as string,
    place: `${page}:${read(page).slice(0, match.index).split('\n').length + 1}`,
  }));

/** Example files that a page links, by the name under which its reader saves them. */
export const linkedFiles = (page: string): Map<string, string> =>
  new Map(
    [...read(page).matchAll(/\]\((?:\.\.|docs)\/examples\/([^)]*\.[a-z]+)\)/g)].map(([, path]) => [
      (path as string).split('/').at(-1) as string,
      read(`docs/examples/${path}`),
    ]),
  );

const CONTINUES = '// continues the program above\n';
const NAMED = /^(?:\/\/|#) ([\w.-]+\.(?:ts|yaml))\n/;

/** A file that a reader of a page makes of its blocks, and what the page says that it prints. */
export interface PageFile {
  readonly name: string;
  readonly place: string;
  text: string;
  output: string | undefined;
}

/** The files and the commands of a page, in its order. */
export function filesOf(page: string): { files: PageFile[]; steps: (PageFile | Block)[] } {
  const files: PageFile[] = [];
  const steps: (PageFile | Block)[] = [];
  const imported = blocksOf(page).flatMap(({ text }) =>
    [...text.matchAll(/from '\.\/([^']+)'/g)].map(([, name]) => name),
  );
  for (const { language, text, place } of blocksOf(page)) {
    const last = files.findLast(({ name }) => !imported.includes(name));
    if (language === 'sh') steps.push({ language, text, place });
    else if (language === 'text' && last !== undefined) last.output = `${last.output ?? ''}${text}\n`;
    else if (language === 'ts' && text.startsWith(CONTINUES)) {
      if (last === undefined) throw new Error(`${place}: there is no program above`);
      last.text += `\n${text.slice(CONTINUES.length)}\n`;
    } else if (language === 'ts' || language === 'yaml') {
      const name = NAMED.exec(text)?.[1] ?? `program-${files.length + 1}.${language}`;
      const file = { name, place, text: `${text}\n`, output: undefined };
      files.push(file);
      steps.push(file);
    }
  }
  return { files, steps };
}

interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}
const locked = () => (JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }).packages;

/** The lock entries of some packages and of all that they need: what npm then takes from its cache. */
function closure(names: readonly string[]): Record<string, Locked> {
  const all = locked();
  const found: Record<string, Locked> = {};
  const add = (from: string, name: string, optional: boolean) => {
    let folder = from;
    while (folder !== '' && all[`${folder}/node_modules/${name}`] === undefined)
      folder = folder.includes('/node_modules/') ? folder.slice(0, folder.lastIndexOf('/node_modules/')) : '';
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const entry = all[path];
    if (entry === undefined && optional) return;
    if (entry === undefined) throw new Error(`package-lock.json has no ${name}, which ${from} needs`);
    if (found[path] !== undefined) return;
    const { dev: _, devOptional: __, peer: ___, ...kept } = entry as Locked & Record<string, unknown>;
    found[path] = kept as unknown as Locked;
    for (const need of Object.keys(entry.dependencies ?? {})) add(path, need, false);
    for (const need of Object.keys(entry.optionalDependencies ?? {})) add(path, need, true);
    for (const need of Object.keys(entry.peerDependencies ?? {}))
      if (entry.peerDependenciesMeta?.[need]?.optional !== true) add(path, need, false);
  };
  for (const name of names) add('', name, false);
  return found;
}

/** Adds packages to a folder by `npm install`, in the versions of this repository's lock file, and the package itself
 *  from its packed file. npm takes all others from its cache where they are there. */
export async function install(folder: string, archive: string, names: readonly string[]): Promise<void> {
  const own = JSON.parse(read('package.json')) as Locked & { dependencies: Record<string, string> };
  const file = `file:${archive.replaceAll('\\', '/')}`;
  const path = join(folder, 'package.json');
  const manifest = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, any>) : {};
  const wanted: Record<string, string> = { ...manifest['dependencies'] };
  for (const name of names)
    wanted[name] = name === 'tutti' ? file : (locked()[`node_modules/${name}`] as Locked).version;
  writeFileSync(path, JSON.stringify({ ...manifest, dependencies: wanted }, null, 2));
  const others = Object.keys(wanted).filter((name) => name !== 'tutti');
  const { version, dependencies, peerDependencies, peerDependenciesMeta } = own;
  const tutti = { version, resolved: file, dependencies, peerDependencies, peerDependenciesMeta };
  const packages = {
    '': { dependencies: wanted },
    'node_modules/tutti': { ...tutti, bin: { tutti: 'bin/tutti.js' } },
    ...closure([...others, ...Object.keys(dependencies)]),
  };
  const lock = { lockfileVersion: 3, requires: true, packages };
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock, null, 2));
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, out, err } = await run('npm', ['install', ...flags], { cwd: folder });
  if (code !== 0) throw new Error(`npm install failed: ${out}${err}`);
}

/** Packs what is built. Refuses to judge a package that is older than its sources. */
export async function pack(folder: string): Promise<string> {
  const built = existsSync(join(root, 'dist/src/index.js'))
    ? statSync(join(root, 'dist/src/index.js')).mtimeMs
    : 0;
  for (const floor of ['machines', 'actors', 'specs', 'src'])
    for (const file of readdirSync(join(root, floor), { recursive: true, encoding: 'utf8' }))
      if (statSync(join(root, floor, file)).mtimeMs > built && /\.tsx?$/.test(file))
        throw new Error(`${floor}/${file} is newer than dist/; run \`npm run build\` first`);
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { code, out, err } = await run('npm', args, { cwd: root });
  if (code !== 0) throw new Error(`npm pack failed: ${err}`);
  return join(folder, /"filename": "([^"]+)"/.exec(out)?.[1] as string);
}

/** Commands that stand in for what a test cannot have: the registry, a browser, and a person who presses Ctrl-C. */
export function standIns(folder: string, archive: string): string {
  mkdirSync(folder);
  const own = JSON.stringify(import.meta.filename);
  const scripts: Record<string, string> = {
    // `npm install NAMES` installs the locked versions; everything else is npm.
    npm: `import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
const [command, ...names] = process.argv.slice(2);
process.env.PATH = process.env.PATH.split(delimiter).filter((part) => part !== import.meta.dirname).join(delimiter);
if (command === 'install') {
  const { install } = await import(${own});
  let folder = process.cwd();
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  await install(folder, ${JSON.stringify(archive)}, names.filter((name) => !name.startsWith('-')));
} else {
  process.exitCode = spawnSync('npm', process.argv.slice(2), { stdio: 'inherit' }).status;
}`,
    // Presses Ctrl-C when the command has printed an address.
    'until-interrupted': `import { spawn } from 'node:child_process';
const [program, ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
let said = '';
let pressed = false;
for (const stream of [child.stdout, child.stderr])
  stream.on('data', (text) => {
    said += text;
    if (pressed || !/Ctrl-C/.test(said)) return;
    pressed = true;
    process.kill(-child.pid, 'SIGINT');
  });
child.on('close', (code) => {
  process.stdout.write(said);
  process.exitCode = pressed && /https?:\\/\\/127\\.0\\.0\\.1/.test(said) ? 0 : (code ?? 1);
});`,
    'xdg-open': '',
  };
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(folder, `${name}.mjs`), text);
    const call = `#!/bin/sh\nexec '${process.execPath}' '${join(folder, `${name}.mjs`)}' "$@"\n`;
    writeFileSync(join(folder, name), call);
    chmodSync(join(folder, name), 0o755);
  }
  return [folder, dirname(process.execPath), process.env['PATH']].join(delimiter);
}

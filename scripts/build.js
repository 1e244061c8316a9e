// Builds dist/ from nothing, so that a deleted file is deleted there too: types by TypeScript, one bundle for all entry
// points by rolldown, and the viewer's page.
//
// A program that imports an entry point loads a handful of files, not several hundred, because loading a file costs
// more than running it. zod is in the bundle without its fifty languages. Everything else that the package depends on
// stays a dependency: programs share its objects with tutti (an `Observable`, a machine). See docs/decisions/0040.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rolldown } from 'rolldown';

const BUNDLED = ['zod'];
/** Code that rolldown adds where it rewrites newer syntax. It resolves this name itself. */
const HELPERS = '@oxc-project/runtime';
/** Which versions of Node.js can read the files. Older ones cannot load the package's dependencies either. */
const SYNTAX = 'es2022';

/** Every entry point of package.json, and the command line, by the name that it has below dist/. */
function entries() {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  const files = Object.values(exports).flatMap(({ default: file }) => file ?? []);
  const names = files.map((file) => file.replace(/^\.\/dist\/(.+)\.js$/, '$1'));
  return Object.fromEntries([...names, 'src/cli/main'].map((name) => [name, `${name}.ts`]));
}

const reading = (input) =>
  rolldown({
    input,
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'] },
    external: (id) =>
      !/^[./]/.test(id) && ![...BUNDLED, HELPERS].some((name) => id === name || id.startsWith(`${name}/`)),
    transform: { target: SYNTAX },
    tsconfig: false,
    onLog(level, log) {
      if (level === 'warn') throw new Error(log.message);
    },
  });

/** The files that are loaded when an entry point is, packages and dynamic imports aside. */
async function loadedBy(entry) {
  const built = await reading({ entry });
  const { output } = await built.generate({ format: 'esm' });
  await built.close();
  const chunks = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const waiting = ['entry.js'];
  const loaded = new Set();
  for (const name of waiting) {
    for (const id of chunks.get(name)?.moduleIds ?? []) if (!id.includes('node_modules')) loaded.add(id);
    for (const next of chunks.get(name)?.imports ?? []) if (!waiting.includes(next)) waiting.push(next);
  }
  return loaded;
}

/** The room of a machine's file: `table`, `hct`, `tomasulo`, … */
const machineRoom = (id) => /[\\/]machines[\\/](\w+)[\\/]/.exec(id)?.[1];

/** Writes the bundle to a folder in which packages are found as in dist/. */
export async function bundle(dir) {
  const ofCommandLine = await loadedBy('src/cli/main.ts');
  const ofRoot = await loadedBy('src/index.ts');
  const built = await reading(entries());
  await built.write({
    dir,
    format: 'esm',
    sourcemap: true,
    // A few files for `import 'tutti'` instead of some thirty: each costs a millisecond at the start. zod and the
    // machines stay apart, so that a program that only compiles a machine bundles nothing else; and so does what the
    // command line needs before it knows its command, so that `--help` does not load the core.
    codeSplitting: {
      groups: [
        { name: 'zod', test: /node_modules.zod/, priority: 2 },
        { name: 'common', test: (id) => ofRoot.has(id) && ofCommandLine.has(id), priority: 2 },
        {
          name: (id) => machineRoom(id),
          debugName: 'machines',
          test: (id) => ofRoot.has(id) && machineRoom(id) !== undefined,
          priority: 1,
        },
        { name: 'core', test: (id) => ofRoot.has(id) },
      ],
    },
    entryFileNames: '[name].js',
    // As deep as the entry points are, so that `import.meta.url` means the same in all of them.
    chunkFileNames: 'src/chunks/[name]-[hash].js',
    // Evaluated before anything else, so that an older Node.js gets one clear sentence.
    banner: ({ isEntry, name }) =>
      isEntry ? `import '${'../'.repeat(name.split('/').length - 1)}node-version.js';` : '',
  });
  await built.close();
  copyFileSync('scripts/node-version.js', `${dir}/node-version.js`);
  const licences = BUNDLED.map(
    (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8').trim()}\n`,
  );
  writeFileSync(`${dir}/LICENSES.txt`, `The files in this folder contain:\n\n${licences.join('\n')}`);
}

async function build() {
  rmSync('dist', { recursive: true, force: true });
  const tsc = ['node_modules/typescript-7/bin/tsc', '-p', 'tsconfig.build.json'];
  const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' });
  process.exitCode = status ?? 1;
  if (status !== 0) return;
  await bundle('dist');
  await (await import('./build-viewer.js')).buildViewer();
}

if (import.meta.main) await build();

/** What the compiler may read: the reviewed folder, installed packages, the configurations above the folder,
 *  and TypeScript's own library. A configuration under review may name any path on the machine. */
import { dirname, resolve, sep } from 'node:path';
import ts from 'typescript';

const LIBRARY = dirname(ts.getDefaultLibFilePath({}));

function guard(root: string): (path: string) => boolean {
  const above = (path: string) => root.startsWith(dirname(path) + sep);
  return (path) => {
    const full = resolve(root, path);
    return (
      full === root ||
      full.startsWith(root + sep) ||
      full.startsWith(LIBRARY) ||
      full.includes(`${sep}node_modules${sep}`) ||
      (/[\\/](tsconfig[^\\/]*|package)\.json$/.test(full) && above(full))
    );
  };
}

/** A compiler host that sees nothing else. It never writes. */
export function confinedHost(
  root: string,
  options: ts.CompilerOptions = {},
): ts.CompilerHost & ts.ParseConfigHost {
  const may = guard(root);
  const host = ts.createCompilerHost(options);
  const readFile = (path: string) => (may(path) ? ts.sys.readFile(path) : undefined);
  return {
    ...host,
    useCaseSensitiveFileNames: (() => ts.sys.useCaseSensitiveFileNames) as never,
    getCurrentDirectory: () => root,
    fileExists: (path) => may(path) && ts.sys.fileExists(path),
    directoryExists: (path) => (may(path) || root.startsWith(resolve(path))) && ts.sys.directoryExists(path),
    readFile,
    getSourceFile: (path, language) => {
      const text = readFile(path);
      return text === undefined ? undefined : ts.createSourceFile(path, text, language);
    },
    readDirectory: (folder, extensions, excludes, includes, depth) =>
      may(folder)
        ? ts.sys.readDirectory(
            folder,
            extensions,
            excludes,
            includes.filter((name) => may(resolve(folder, name))),
            depth,
          )
        : [],
    writeFile: () => {},
  };
}

/** Read a configuration, and switch off what a review has no use for. Unused names are oxlint's to report. */
export function parseConfig(host: ts.ParseConfigHost, path: string): ts.ParsedCommandLine {
  const { config } = ts.readConfigFile(path, (name) => host.readFile(name)) as { config?: unknown };
  const parsingHost = { ...host, useCaseSensitiveFileNames: ts.sys.useCaseSensitiveFileNames };
  const parsed = ts.parseJsonConfigFileContent(config ?? {}, parsingHost, dirname(path), undefined, path);
  Object.assign(parsed.options, {
    noEmit: true,
    composite: false,
    incremental: false,
    declaration: false,
    skipLibCheck: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    ignoreDeprecations: '6.0',
  } satisfies ts.CompilerOptions);
  return parsed;
}

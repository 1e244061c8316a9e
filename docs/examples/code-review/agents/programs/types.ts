/** TypeScript's own diagnostics: of types where a `tsconfig.json` says how to read the code, of syntax where
 *  there is none.
 *
 *  A repository is often reviewed without its dependencies installed. Then much of what the compiler says
 *  only means that it could not see a library, so only those errors are kept that cannot come from that. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { confinedHost, parseConfig } from './types-host.ts';
import { finish, note, progress, report, request } from './protocol.ts';

/** Errors about a missing library or its types: never a fault of the code. */
const NEVER = new Set([
  2304, 2307, 2468, 2503, 2580, 2581, 2582, 2583, 2584, 2591, 2592, 2593, 2688, 2792, 2867, 2868, 7016, 7026,
]);

/** Errors that stand on their own even when some imported types are unknown: a value of the wrong type, a
 *  wrong number of arguments, a constant assigned to, a name declared twice, something possibly undefined. */
const CERTAIN = new Set([
  2300, 2322, 2345, 2362, 2363, 2365, 2367, 2448, 2451, 2454, 2531, 2532, 2540, 2554, 2555, 2588, 18047,
  18048,
]);

const MAX_CONFIGS = 20;

const asked = request();
const deadline = performance.now() + asked.seconds * 1000;
const late = () => performance.now() > deadline;
const host = confinedHost(asked.root);
const wanted = new Map(asked.files.map((path) => [join(asked.root, path), path]));
const isConfig = (path: string) => /(^|\/)tsconfig\.json$/.test(path);
const configs = asked.files
  .filter(isConfig)
  .toSorted((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));

const checked = new Set<string>();
const said = new Set<string>();

for (const config of configs.slice(0, MAX_CONFIGS)) {
  if (late()) break;
  checkProject(config);
}
if (configs.length > MAX_CONFIGS)
  note(`only the first ${MAX_CONFIGS} of ${configs.length} projects were checked`);
if (configs.length === 0) note('no tsconfig.json, so syntax only');
checkSyntax();
if (late()) note('stopped by the time limit');
finish(late() ? checked.size : asked.files.length);

function checkProject(config: string): void {
  const parsed = parseConfig(host, join(asked.root, config));
  const roots = parsed.fileNames.filter((name) => wanted.has(name));
  if (roots.length === 0) return; // a solution file that only refers to others, which are in the list themselves
  const program = ts.createProgram({
    rootNames: roots,
    options: parsed.options,
    host: confinedHost(asked.root, parsed.options),
  });
  const found: ts.Diagnostic[] = [];
  for (const source of program.getSourceFiles()) {
    if (late()) return;
    const path = wanted.get(source.fileName);
    if (path === undefined || checked.has(path)) continue;
    checked.add(path);
    const syntax = program.getSyntacticDiagnostics(source);
    found.push(...(syntax.length > 0 ? syntax.slice(0, 1) : program.getSemanticDiagnostics(source)));
    if (checked.size % 250 === 0) progress(checked.size);
  }
  const blind = found.some(
    (diagnostic) => [2307, 2688, 2792, 7016, 7026].includes(diagnostic.code) && !isRelative(diagnostic),
  );
  if (blind)
    note('some dependencies are not installed, so only errors that do not depend on them are reported');
  for (const diagnostic of found) {
    if (isRelative(diagnostic)) say(diagnostic, 'warning');
    else if (
      !NEVER.has(diagnostic.code) &&
      (!blind || diagnostic.code < 2000 || CERTAIN.has(diagnostic.code))
    ) {
      say(diagnostic, diagnostic.category === ts.DiagnosticCategory.Error ? 'error' : 'info');
    }
  }
}

/** A relative import that leads nowhere is a fault of the code, unless a tool supplies such files. */
function isRelative({ code, file, start, length }: ts.Diagnostic): boolean {
  if ((code !== 2307 && code !== 2792) || !file || start === undefined) return false;
  const specifier = file.text.slice(start + 1, start + (length ?? 1) - 1);
  return /^\.\.?\//.test(specifier) && /(\/[^.]+|\.[cm]?[jt]sx?)$/.test(specifier);
}

/** What no project covers is at least parsed. */
function checkSyntax(): void {
  for (const path of asked.files) {
    if (checked.has(path) || isConfig(path)) continue;
    if (late()) return;
    checked.add(path);
    let text: string;
    try {
      text = readFileSync(join(asked.root, path), 'utf8');
    } catch {
      continue;
    }
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
    const { parseDiagnostics = [] } = source as unknown as { parseDiagnostics?: ts.Diagnostic[] };
    for (const diagnostic of parseDiagnostics.slice(0, 1)) say(diagnostic, 'error', path);
    if (checked.size % 250 === 0) progress(checked.size);
  }
}

function say(diagnostic: ts.Diagnostic, severity: string, path?: string): void {
  const { file, start } = diagnostic;
  if (file === undefined || start === undefined) return;
  const place = file.getLineAndCharacterOfPosition(start);
  const finding = {
    file: path ?? wanted.get(file.fileName) ?? file.fileName,
    line: place.line + 1,
    column: place.character + 1,
    rule: `TS${diagnostic.code}`,
    severity,
    message: ts.flattenDiagnosticMessageText(diagnostic.messageText, ' '),
  };
  const key = `${finding.file}\0${finding.line}\0${finding.column}\0${finding.rule}`;
  if (said.has(key)) return;
  said.add(key);
  report(finding);
}

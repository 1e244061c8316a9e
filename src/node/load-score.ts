/** Score files: YAML or JSON from the disk, errors with line and column, agents from modules and programs. */
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import type { AgentPlan } from '../../actors/tomasulo/program.ts';
import { planOf, type Agent } from '../score/agent.ts';
import {
  checkDocument,
  checkPrograms,
  DocumentError,
  scoreOfDocument,
  type ModuleAgent,
  type ScoreDocument,
} from '../score/score-file.ts';
import type { Score } from '../score/score.ts';
import { programAgent } from './program-agent.ts';
import { readText, TextFileError } from './text-file.ts';

/** A larger file is refused: half a million steps fit in, and parsing 1 MiB of YAML takes about 3 s. */
const MAX_BYTES = 16 * 1_024 * 1_024;

/** A score file cannot be used: which file, where in it, why, and what to do. */
export class ScoreFileError extends TextFileError {
  override name = 'ScoreFileError';
}

export interface LoadedScore {
  readonly score: Score<any, any>;
  readonly document: ScoreDocument;
  /** What may go wrong although the score can be performed, each with file, line and column. */
  readonly warnings: readonly string[];
}

/** Reads, checks and assembles a score file.
 *  @throws {TextFileError} when it cannot be read; {ScoreFileError} when it is no score, naming file, line and column. */
export async function loadScore(file: string): Promise<LoadedScore> {
  const text = await readText(file, MAX_BYTES, 'a score');
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [fault] = parsed.errors;
  if (fault !== undefined) throw new ScoreFileError(`${place(fault.pos[0])}: not YAML: ${fault.message}`);
  const placeOf = (path: readonly PropertyKey[]) => place(offsetOf(parsed, path));
  try {
    const document = checkDocument(valueOf(parsed, place));
    const agents = new Map<string, AgentPlan>();
    for (const [name, source] of Object.entries(document.agents))
      agents.set(name, await agentOf(name, source, dirname(resolve(file))));
    const score = scoreOfDocument(document, agents);
    const warnings = checkPrograms(document).map(({ path, message }) => `${placeOf(path)}: ${message}`);
    return { score, document, warnings };
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    const offset = keyOffset(parsed, error);
    throw new ScoreFileError(
      `${offset === undefined ? placeOf(error.path) : place(offset)}: ${error.message}`,
    );
  }
}

async function agentOf(
  name: string,
  source: ScoreDocument['agents'][string],
  folder: string,
): Promise<AgentPlan> {
  if (!('command' in source)) return moduleAgent(name, source, folder);
  const { timeout: _, ...options } = source; // its steps have it; see `scoreOfDocument`
  return programAgent({ name, ...options, cwd: resolve(folder, options.cwd ?? '.') }).plan;
}

function valueOf(parsed: Document.Parsed, place: (offset: number) => string): unknown {
  try {
    return parsed.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ScoreFileError(`${place(0)}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Where in the text the key stands that is wrong, if it is a key. */
function keyOffset(parsed: Document.Parsed, { path, atKey }: DocumentError): number | undefined {
  const map = atKey ? parsed.getIn(path.slice(0, -1), true) : undefined;
  if (!isMap(map)) return undefined;
  const key = map.items.map((pair) => pair.key).find((each) => isScalar(each) && each.value === path.at(-1));
  return isScalar(key) ? key.range?.[0] : undefined;
}

/** Where in the text a path stands; where it does not stand, its nearest parent. */
function offsetOf(parsed: Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = parsed.getIn(path.slice(0, length), true) as
      { range?: [number, number, number] } | undefined;
    if (node?.range) return node.range[0];
  }
  return parsed.contents?.range?.[0] ?? 0;
}

function whyNot(module: string, file: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  // The message also names the importing module, so a missing import of the module itself must not count here.
  if (code === 'ERR_MODULE_NOT_FOUND' && reason.startsWith(`Cannot find module '${file}'`))
    return `there is no module '${module}' beside the score.`;
  const remedy =
    code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?ts$/.test(module)
      ? ` (Node ${process.versions.node} was told not to read TypeScript, or is too old to: use 22.18 or later, set NODE_OPTIONS=--experimental-strip-types, or name the compiled .js file.)`
      : '';
  return `module '${module}' cannot be loaded: ${reason}${remedy}`;
}

async function moduleAgent(
  name: string,
  { module, export: key = 'default', capacity }: ModuleAgent,
  folder: string,
): Promise<AgentPlan> {
  const file = resolve(folder, module);
  const at = ['agents', name, 'module'];
  let loaded: Record<string, unknown>;
  try {
    loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new DocumentError(at, whyNot(module, file, error));
  }
  const found = loaded[key];
  const spec = typeof found === 'object' && found !== null && 'plan' in found;
  if (typeof found !== 'function' && !spec) {
    const has = Object.keys(loaded).join(', ') || 'nothing';
    throw new DocumentError(at, `module '${module}' exports no agent as '${key}' (it exports: ${has}).`);
  }
  const plan = planOf(found as Agent, name);
  return { ...plan, name, capacity: capacity ?? plan.capacity };
}

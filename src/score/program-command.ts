/** Commands of program agents: their options, how operands fill a command, and what can be wrong with one. */
import { z } from 'zod';
import { nearest } from '../../actors/tomasulo/program.ts';

/** A program failed: which agent, how, what to do, and the end of what it wrote to standard error. */
export class ProgramError extends Error {
  override name = 'ProgramError';
}

/** No system passes such text to a program: NUL ends an argument, and half a surrogate pair has no UTF-8. */
const isPassable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();
const passable = z.string().refine(isPassable, {
  error: 'contains NUL or half of a surrogate pair, which no program can receive',
});
const variable = passable.regex(/^[^=]+$/, {
  error: "is no name of an environment variable: empty, or with '='",
});

/** The options of a program agent, in a score file and in TypeScript. */
export const programShape = {
  command: z
    .array(passable)
    .min(1)
    .refine(([program]) => program !== '', { error: 'the first item is the program, and it is empty' }),
  output: z.enum(['text', 'json']).default('text'),
  stdin: z.enum(['json', 'none']).default('json'),
  cwd: passable.min(1).optional(),
  env: z.record(variable, passable).optional(),
  inheritEnv: z.array(variable).optional(),
  maxOutput: z
    .int()
    .min(1)
    .max(2 ** 28)
    .optional(),
  capacity: z.int().min(1).optional(),
  usesEffectKey: z.boolean().optional(),
  version: z.string().min(1).optional(),
};

const PLACEHOLDER = /\{([\p{L}_][\p{L}\p{N}_.-]*)\}/gu;

/** The arguments that a program gets.
 *  @throws {ProgramError} for an operand that cannot stand where the command puts it. */
export function fillCommand(
  agent: string,
  command: readonly string[],
  operands: Readonly<Record<string, unknown>>,
): string[] {
  const { scripts, optionsEnd } = layoutOf(command);
  return command.map((argument, index) => {
    const place = `agent '${agent}': ${index === 0 ? 'the program' : `argument ${index}`} '${shortened(argument)}'`;
    const filled = argument.replace(PLACEHOLDER, (whole, key: string) => {
      if (!Object.hasOwn(operands, key)) return whole;
      if (scripts.has(index)) throw new ProgramError(`${place}: ${insideScript(key)}`);
      const text = textOf(operands[key], `${place}: operand '${key}'`);
      if (isPassable(text)) return text;
      throw new ProgramError(
        `${place}: operand '${key}' contains NUL or half of a surrogate pair, which no argument can hold. Remove it, or leave the operand to standard input (stdin: json).`,
      );
    });
    const [first] = placeholdersOf(argument);
    if (
      first?.index === 0 &&
      index > 0 &&
      index < optionsEnd &&
      filled.startsWith('-') &&
      filled !== argument
    )
      throw new ProgramError(
        `${place}: it begins with '-' once operand '${first.key}' is filled in, so '${shortened(command[0]!)}' could read it as an option. ${beforeOptions(first.key)}`,
      );
    if (index === 0 && filled === '')
      throw new ProgramError(`${place}: operand '${first?.key}' is empty, so no program is named.`);
    return filled;
  });
}

/** The operands as one JSON object, for standard input.
 *  @throws {ProgramError} naming the operand that JSON cannot express. */
export function operandsAsJson(agent: string, operands: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(operands)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${JSON.stringify(key)}:${jsonOf(value, `agent '${agent}': operand '${key}'`)}`);
  return `{${members.join(',')}}`;
}

/** Text as it is, anything else as JSON. */
const textOf = (value: unknown, place: string): string =>
  typeof value === 'string' ? value : jsonOf(value, place);

function jsonOf(value: unknown, place: string): string {
  let text: string | undefined;
  let reason = '';
  try {
    text = JSON.stringify(value);
  } catch (error) {
    reason = ` (${error instanceof Error ? error.message : 'its toJSON threw'})`;
  }
  if (text !== undefined) return text;
  throw new ProgramError(
    value === undefined
      ? `${place} has no value. Give one, or do not read it.`
      : `${place} is not JSON${reason}. A program gets text and JSON only.`,
  );
}

/** Something in a command that a person should know before it runs. */
export interface CommandFinding {
  /** The argument that it is about, counted from 0; undefined for the whole command. */
  readonly index?: number;
  /** A step with this command always fails, so the score is refused. */
  readonly refused: boolean;
  readonly message: string;
}

/** What can go wrong when a step gives its operands to a command.
 *  @param operands the names that the step reads.
 *  @param later names that only later rounds of the step have. */
export function commandFindings(
  step: string,
  { command, stdin }: { readonly command: readonly string[]; readonly stdin: 'json' | 'none' },
  operands: readonly string[],
  later: readonly string[] = [],
): CommandFinding[] {
  const { scripts, optionsEnd } = layoutOf(command);
  const known = new Set([...operands, ...later]);
  const used = new Set<string>();
  const findings: CommandFinding[] = [];
  const warn = (index: number, message: string) => findings.push({ index, refused: false, message });
  for (const [index, argument] of command.entries()) {
    for (const { key, index: at } of placeholdersOf(argument)) {
      const whole = `'{${key}}'`;
      if (!known.has(key)) {
        const near = nearest(key, known);
        // Scripts contain braces, too.
        if (scripts.has(index) && (near === undefined || argument[at - 1] === '$')) continue;
        const hint = near === undefined ? '' : ` Did you mean '{${near}}'?`;
        const reads = operands.length === 0 ? 'nothing' : operands.join(', ');
        warn(index, `no operand of step '${step}' fills ${whole}.${hint} The step reads: ${reads}.`);
        continue;
      }
      used.add(key);
      if (scripts.has(index)) findings.push({ index, refused: true, message: insideScript(key) });
      else if (index === 0 && at === 0)
        warn(index, `operand '${key}' chooses the program that runs; name the program in the score.`);
      else if (index > 0 && index < optionsEnd && /^-{0,2}$/.test(argument.slice(0, at)))
        warn(
          index,
          at === 0
            ? `${whole} stands where '${command[0]}' expects options too, so a value that begins with '-' fails the step. ${beforeOptions(key)}`
            : `operand '${key}' chooses an option of '${command[0]}'; name the option in the score.`,
        );
    }
  }
  const unused = stdin === 'json' ? [] : operands.filter((key) => !used.has(key));
  if (unused.length > 0)
    findings.push({
      refused: false,
      message: `step '${step}' reads ${unused.map((key) => `'${key}'`).join(', ')}, but the program does not get it: no {${unused[0]}} in its command, and stdin is none. Use it, set stdin: json, or write 'after' if only the order matters.`,
    });
  return findings;
}

const insideScript = (key: string): string =>
  `'{${key}}' is inside the text of a script, where a value could run as code. Pass it as a separate argument and read it there (in sh: "$1"), or read the operands as JSON from standard input; if these braces belong to the script, put spaces inside them.`;
const beforeOptions = (key: string): string =>
  `Put '--' before it if the program knows that sign, write it as --name={${key}}, or leave it to standard input (stdin: json).`;

function placeholdersOf(argument: string): { key: string; index: number }[] {
  return [...argument.matchAll(PLACEHOLDER)].map((match) => ({ key: match[1]!, index: match.index }));
}

/** Programs that run a text among their arguments as code. */
interface Interpreter {
  readonly names: RegExp;
  /** The argument after this one is code. */
  readonly flag: RegExp;
  /** This argument itself contains code. */
  readonly joined?: RegExp;
  /** What follows the code is no option of the interpreter. */
  readonly endsOptions?: true;
  /** What follows the code is code too. */
  readonly allCode?: true;
}
const INTERPRETERS: readonly Interpreter[] = [
  { names: /^(ba|da|z|k|mk|a|fi|c|tc)?sh$/, flag: /^-[a-z]*c[a-z]*$/i, endsOptions: true },
  { names: /^(python|pypy)[\d.]*$/, flag: /^-[a-z]*c$/i, endsOptions: true },
  { names: /^(node|nodejs|bun)$/, flag: /^(-e|-p|-pe|--eval|--print)$/, joined: /^--(eval|print)=/ },
  { names: /^deno$/, flag: /^eval$/, allCode: true },
  { names: /^(perl|ruby|lua|rscript|osascript)[\d.]*$/, flag: /^-[a-z0-9]*e$/i },
  { names: /^php[\d.]*$/, flag: /^-r$|^--run$/ },
  { names: /^cmd$/, flag: /^\/[ck]$/i, allCode: true },
  { names: /^(powershell|pwsh)$/, flag: /^-(c|command)$/i, allCode: true },
];
/** Programs that run another program, named among their arguments. */
const LAUNCHERS =
  /^(env|sudo|doas|nice|nohup|setsid|timeout|time|stdbuf|xargs|busybox|npx|npm|pnpm|yarn|bunx|uv|uvx|pipx|docker|podman|kubectl|ssh)$/;

const programName = (path: string): string =>
  path
    .replace(/^.*[/\\]/, '')
    .replace(/\.exe$/i, '')
    .toLowerCase();

interface Layout {
  /** The arguments that are code. */
  readonly scripts: ReadonlySet<number>;
  /** From this argument on, nothing is read as an option. */
  readonly optionsEnd: number;
}

function layoutOf(command: readonly string[]): Layout {
  const names = command.map(programName);
  const launched = LAUNCHERS.test(names[0]!);
  const interpreterOf = (name: string) => INTERPRETERS.find((each) => each.names.test(name));
  const at = launched ? names.findIndex((name) => interpreterOf(name) !== undefined) : 0;
  const interpreter = at < 0 ? undefined : interpreterOf(names[at]!);
  const scripts = new Set<number>();
  let optionsEnd = endOfOptions(command, launched || interpreter !== undefined);
  if (interpreter === undefined) return { scripts, optionsEnd };
  for (let i = at + 1; i < command.length; i++) {
    const argument = command[i]!;
    if (interpreter.joined?.test(argument)) scripts.add(i);
    if (interpreter.flag.test(argument)) {
      i++;
      for (let code = i; code < (interpreter.allCode ? command.length : i + 1); code++) scripts.add(code);
      if (interpreter.endsOptions) {
        optionsEnd = Math.min(optionsEnd, i + 1);
        break;
      }
    } else if (!argument.startsWith('-') && (i === at + 1 || !command[i - 1]!.startsWith('-'))) break; // a file
  }
  return { scripts, optionsEnd };
}

/** The argument after `--`. If the program launches another, `--` may end the options of the launcher only, so no other
 *  name may stand between it and the operands. */
function endOfOptions(command: readonly string[], launches: boolean): number {
  const sign = (argument: string) => argument === '--' || argument === '--end-of-options';
  const end = launches ? command.findLastIndex(sign) : command.findIndex(sign);
  if (end <= 0) return Infinity;
  const next = command[end + 1];
  const names = launches && next !== undefined && placeholdersOf(next).length === 0;
  return names ? Infinity : end + 1;
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** A person answers holds: with `--cue`, `--answer` and `--refuse` before the start, or with a line on standard input while
 *  others run.
 *
 *  Standard input is read from the first hold that needs an answer until the end of the performance, and no longer. */
import { createInterface, emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream } from 'node:tty';
import type { Program } from '../../actors/tomasulo/program.ts';
import type { RunEvent } from '../../actors/tomasulo/run-events.ts';
import { seconds } from '../score/timeline-picture.ts';
import { clean } from './terminal.ts';
import { messageOf } from '../../actors/tomasulo/errors.ts';
import { nearest } from '../../actors/tomasulo/program.ts';
import { validate, type Schema } from '../score/schema.ts';
import { CommandLineError } from './usage.ts';

export interface AnswerOptions {
  /** Steps that may go on as soon as they are held; `*` is every step. */
  readonly cues: readonly string[];
  /** Lets a held step go on, with what its question is answered with. @throws why the answer does not fit */
  readonly cue: (stepId: string, answer?: unknown) => unknown;
  /** Refuses a held step. */
  readonly refuse: (stepId: string, reason?: string) => void;
  /** What a held step will receive, once it is known. */
  readonly operands: (stepId: string) => object | undefined;
  readonly input: NodeJS.ReadStream;
  /** Shows a line to the person. */
  readonly say: (line: string) => void;
  /** Shows what is being typed, where a live picture would hide it. Undefined elsewhere: the terminal shows it. */
  readonly typed?: ((text: string | undefined) => void) | undefined;
}

export interface HoldAnswers {
  note(event: RunEvent): void;
  /** Stops reading. */
  end(): void;
}

/** How long a hold lasts that sets no time: HCT's 30 seconds. */
const HOLD_MS = 30_000;

/** @throws {CommandLineError} when a cue names a step that the score does not have. */
export function answersTo(program: Program, options: AnswerOptions): HoldAnswers {
  const { cues, cue, refuse, operands, input, say, typed } = options;
  const steps = new Map(program.steps.map((step) => [step.id, step]));
  for (const id of cues) if (id !== '*' && !steps.has(id)) throw unknownStep(id, [...steps.keys()]);
  const approved = new Set(cues);
  const held = new Set<string>();
  let reading: { stop(): void } | undefined;

  const asks = (id: string): boolean => {
    const { question, answer } = steps.get(id)?.fermata ?? {};
    return question !== undefined || answer !== undefined;
  };
  /** Tries what the text may mean, and says why nothing of it fits. */
  const reply = (id: string, text: string): void => {
    const failed = (error: unknown) => say(clean(messageOf(error)));
    let first: unknown;
    for (const value of text === '' ? [undefined] : meaningsOf(text)) {
      try {
        const judged = cue(id, value);
        if (judged instanceof Promise) judged.catch(failed);
        return void held.delete(id);
      } catch (error) {
        first ??= error;
      }
    }
    failed(first);
  };
  const turnDown = (id: string, reason: string): void => {
    try {
      refuse(id, ...(reason === '' ? [] : [reason]));
    } catch (error) {
      say(clean(messageOf(error)));
    }
  };
  const release = (id: string): void => {
    held.delete(id);
    setImmediate(() => cue(id)); // not in the middle of the event
  };
  const answer = (line: string): void => {
    const text = line.trim();
    const [first] = held;
    const name = steps.has(text) ? text : text.replace(/^cue\s+/, '');
    const named = [...held].find((id) => text.startsWith(`${id}=`));
    const refused = [...held].find((id) => text === `refuse ${id}` || text.startsWith(`refuse ${id} `));
    if (named !== undefined) reply(named, text.slice(named.length + 1).trim());
    else if (refused !== undefined) turnDown(refused, text.slice(`refuse ${refused}`.length).trim());
    else if (held.has(name) && asks(name)) reply(name, '');
    else if (held.has(name)) release(name);
    else if (first !== undefined && asks(first) && !steps.has(name)) reply(first, text);
    else if (['', 'y', 'yes'].includes(text)) {
      if (first !== undefined) release(first);
    } else if (steps.has(name)) {
      approved.add(name);
      say(`${clean(name)}: not held now; it goes on without a stop when it is`);
    } else {
      const which = first === undefined ? 'no step is held' : `held: ${[...held].map(clean).join(', ')}`;
      say(`there is no step '${clean(name)}'; ${which}`);
    }
  };

  return {
    note(event) {
      if (!('stepId' in event)) return;
      const { stepId: id } = event;
      if (event.type === 'step.reminded' && held.has(id))
        return say(`${clean(id)}: still waits for an answer, for ${seconds(event.waitedMs)}`);
      if (event.type === 'step.escalated') return say(`${clean(id)}: now ${clean(event.to)} decides`);
      if (event.type !== 'step.held' && event.type !== 'step.asked') {
        if (event.type !== 'step.text' && event.type !== 'step.reminded') held.delete(id);
        return;
      }
      if (event.type === 'step.held' && asks(id)) return; // until its operands are there
      if (approved.has(id) || approved.has('*')) return release(id);
      held.add(id);
      const { timeoutMs = HOLD_MS, onTimeout = 'fail' } = steps.get(id)?.fermata ?? {};
      const then = onTimeout === 'fail' ? 'fails' : 'goes on';
      const name = clean(id);
      if (event.type === 'step.asked') {
        const given = Object.entries(operands(id) ?? {}).map(
          ([key, value]) => `\n  ${clean(key)}: ${clip(value)}`,
        );
        say(
          `${name}: ${clean(event.question ?? 'needs an answer')}${given.join('')}\n  type "${name}=ANSWER" and Enter, or "refuse ${name} REASON" (it ${then} after ${seconds(timeoutMs)})`,
        );
      } else
        say(
          `${name}: held; type "cue ${name}" and Enter to let it go on (it ${then} after ${seconds(timeoutMs)}; --cue ${name} lets it go on from the start)`,
        );
      reading ??= typed === undefined ? readLines(input, answer) : readKeys(input, answer, typed);
    },
    end() {
      reading?.stop();
      reading = { stop() {} };
    },
  };
}

/** What a text may mean as an answer: JSON, itself, yes or no. */
function meaningsOf(text: string): unknown[] {
  const meanings: unknown[] = [];
  try {
    meanings.push(JSON.parse(text));
  } catch {
    // It is no JSON.
  }
  meanings.push(text);
  if (/^(y|yes)$/i.test(text)) meanings.push(true);
  if (/^(n|no)$/i.test(text)) meanings.push(false);
  return meanings;
}

function clip(value: unknown): string {
  const text = clean(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}… (${text.length} characters)`;
}
/** Characters of an operand that are shown with a question. */
const SHOWN = 400;

/** Reads `--answer STEP=VALUE`, and checks each answer.
 *  @throws {CommandLineError} for a step that does not exist or asks nothing, and for an answer that does not fit */
export async function answersGiven(
  { steps }: Program,
  given: readonly string[],
): Promise<ReadonlyMap<string, unknown>> {
  const answers = new Map<string, unknown>();
  const ids = steps.map(({ id }) => id);
  for (const pair of given) {
    const step = steps.find(({ id }) => pair.startsWith(`${id}=`));
    if (step === undefined) {
      if (!pair.includes('=')) throw new CommandLineError(`--answer takes STEP=VALUE, not '${pair}'.`);
      throw unknownStep(pair.slice(0, pair.indexOf('=')), ids, '--answer');
    }
    const { question, answer: schema } = step.fermata ?? {};
    if (question === undefined && schema === undefined)
      throw new CommandLineError(
        `--answer ${step.id}: the step asks nothing; --cue ${step.id} lets it go on.`,
      );
    answers.set(
      step.id,
      await fitting(`--answer ${step.id}`, step.id, pair.slice(step.id.length + 1), schema),
    );
  }
  return answers;
}

/** Reads what `tutti cue RUN STEP VALUE` brings, and checks it.
 *  @throws {CommandLineError} for an answer that is missing or does not fit, and for a step that asks nothing */
export async function cuedAnswer({ steps }: Program, id: string, text: string | undefined): Promise<unknown> {
  const step = steps.find((one) => one.id === id);
  const { question, answer: schema } = step?.fermata ?? {};
  if (text === undefined && schema !== undefined)
    throw new CommandLineError(
      `step '${id}' needs an answer: tutti cue RUN ${id} VALUE.${question === undefined ? '' : ` The question is: ${question}`}`,
    );
  if (text === undefined) return undefined;
  if (step !== undefined && question === undefined && schema === undefined)
    throw new CommandLineError(`step '${id}' asks nothing; leave the value out.`);
  return fitting(`step '${id}' is still held`, id, text, schema);
}

async function fitting(what: string, id: string, text: string, schema: object | undefined): Promise<unknown> {
  let first: unknown;
  for (const value of meaningsOf(text)) {
    try {
      if (schema !== undefined) await validate(schema as Schema, value, `the answer to '${id}'`);
      return value;
    } catch (error) {
      first ??= error;
    }
  }
  throw new CommandLineError(`${what}: ${messageOf(first)}`);
}

/** Reads `--refuse STEP` and `--refuse STEP=REASON`.
 *  @throws {CommandLineError} for a step that does not exist */
export function refusalsGiven(
  { steps }: Program,
  given: readonly string[],
): ReadonlyMap<string, string | undefined> {
  const ids = steps.map(({ id }) => id);
  return new Map(
    given.map((text) => {
      const id = ids.find((one) => text === one || text.startsWith(`${one}=`));
      if (id === undefined) throw unknownStep(text.split('=', 1)[0]!, ids, '--refuse');
      return [id, text === id ? undefined : text.slice(id.length + 1)];
    }),
  );
}

function unknownStep(id: string, known: readonly string[], option = '--cue'): CommandLineError {
  const near = nearest(id, known);
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  return new CommandLineError(
    `${option} ${id}: the score has no such step; it has ${known.join(', ')}.${hint}`,
  );
}

function readLines(input: NodeJS.ReadStream, answer: (line: string) => void): { stop(): void } {
  const lines = createInterface({ input, terminal: false });
  lines.on('line', answer);
  input.on('error', () => lines.close()); // a terminal that is gone gives no more answers
  return {
    stop() {
      lines.close();
      input.pause();
    },
  };
}

/** Reads key by key, because a picture that is drawn again and again would erase what the terminal echoes. */
function readKeys(
  input: ReadStream,
  answer: (line: string) => void,
  typed: (text: string | undefined) => void,
): { stop(): void } {
  let line = '';
  const onKey = (text: string | undefined, { name, ctrl }: Key): void => {
    // On Windows a signal to itself would end this process without asking its listeners.
    if (ctrl === true && name === 'c')
      return void (process.emit('SIGINT') || process.kill(process.pid, 'SIGINT'));
    if (name === 'return' || name === 'enter') {
      const whole = line;
      line = '';
      answer(whole);
    } else if (name === 'backspace') line = [...line].slice(0, -1).join('');
    else if (ctrl === true && name === 'u') line = '';
    else if (text !== undefined && !/\p{Cc}/u.test(text)) line += text;
    typed(line);
  };
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', onKey);
  input.on('error', () => {});
  input.resume();
  typed('');
  return {
    stop() {
      input.off('keypress', onKey);
      input.setRawMode(false);
      input.pause();
      typed(undefined);
    },
  };
}

/** A person answers holds: with `--cue STEP` before the start, or with a line on standard input while others run.
 *
 *  Standard input is read from the first hold that needs an answer until the end of the performance, and no longer. */
import { createInterface, emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream } from 'node:tty';
import type { Program } from '../../actors/tomasulo/program.ts';
import type { RunEvent } from '../../actors/tomasulo/run-events.ts';
import { seconds } from '../score/timeline-picture.ts';
import { clean } from './terminal.ts';
import { nearest } from '../../actors/tomasulo/program.ts';
import { CommandLineError } from './usage.ts';

export interface AnswerOptions {
  /** Steps that may go on as soon as they are held; `*` is every step. */
  readonly cues: readonly string[];
  /** Lets a held step go on. */
  readonly cue: (stepId: string) => void;
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
  const { cues, cue, input, say, typed } = options;
  const steps = new Map(program.steps.map((step) => [step.id, step]));
  for (const id of cues) if (id !== '*' && !steps.has(id)) throw unknownStep(id, [...steps.keys()]);
  const approved = new Set(cues);
  const held = new Set<string>();
  let reading: { stop(): void } | undefined;

  const release = (id: string): void => {
    held.delete(id);
    setImmediate(() => cue(id)); // not in the middle of the event
  };
  const answer = (line: string): void => {
    const text = line.trim();
    const [first] = held;
    const name = steps.has(text) ? text : text.replace(/^cue\s+/, '');
    if (['', 'y', 'yes'].includes(text)) {
      if (first !== undefined) release(first);
    } else if (held.has(name)) release(name);
    else if (steps.has(name)) {
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
      if (event.type !== 'step.held') {
        if (event.type !== 'step.text') held.delete(id);
        return;
      }
      if (approved.has(id) || approved.has('*')) return release(id);
      held.add(id);
      const { timeoutMs = HOLD_MS, onTimeout = 'fail' } = steps.get(id)?.fermata ?? {};
      const then = onTimeout === 'fail' ? 'fails' : 'goes on';
      const name = clean(id);
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

function unknownStep(id: string, known: readonly string[]): CommandLineError {
  const near = nearest(id, known);
  const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
  return new CommandLineError(`--cue ${id}: the score has no such step; it has ${known.join(', ')}.${hint}`);
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
    if (ctrl === true && name === 'c') return void process.kill(process.pid, 'SIGINT');
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

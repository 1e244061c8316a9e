/** Progress while a performance runs: a live picture on a terminal, plain lines elsewhere. On standard error. */
import { createLogUpdate } from 'log-update';
import type { RunEvent } from '../../actors/tomasulo/run-events.ts';
import type { Program } from '../../actors/tomasulo/program.ts';
import { seconds } from '../score/timeline-picture.ts';
import { safeMessage } from './secrets.ts';
import { clean, columnsOf } from './terminal.ts';

export interface Progress {
  tell(event: RunEvent): void;
  /** Shows a line that stays. */
  say(line: string): void;
  /** On a live picture: shows what the person types; undefined for nothing. */
  readonly typed?: (text: string | undefined) => void;
  /** Draws the last picture, once. */
  end(): void;
}

/** @param program what is performed, to say who waits for whom. */
export function progressOn(stream: NodeJS.WriteStream, program: Program): Progress {
  // Without its size, a picture cannot be drawn over.
  return stream.isTTY === true && stream.columns > 0 ? live(stream, program) : plain(stream);
}

function plain(stream: NodeJS.WriteStream): Progress {
  const started = new Map<string, number>();
  const written = new Written();
  let begin = 0;
  const say = (at: number, text: string) =>
    void stream.write(`[${seconds(at - begin).padStart(8)}] ${clean(text)}\n`);
  return {
    tell(event) {
      if (event.type === 'run.started') begin = event.timestamp;
      if (event.type === 'step.started') {
        started.set(event.stepId, started.get(event.stepId) ?? event.timestamp);
        say(event.timestamp, `${event.stepId}: started${event.attempt > 1 ? ` (try ${event.attempt})` : ''}`);
      }
      written.note(event);
      const line = lineOf(event, started, written);
      if (line !== undefined) say(event.timestamp, line);
    },
    say: (line) => void stream.write(`${line}\n`),
    end() {},
  };
}

/** How much each step has written so far in its last try. */
class Written {
  readonly #characters = new Map<string, number>();

  note(event: RunEvent): void {
    if (event.type === 'step.started') this.#characters.delete(event.stepId);
    if (event.type !== 'step.text') return;
    const before = event.again ? 0 : (this.#characters.get(event.stepId) ?? 0);
    this.#characters.set(event.stepId, before + event.delta.length);
  }
  /** `, 1,234 characters`, or nothing. */
  by(stepId: string, before = ', '): string {
    const count = this.#characters.get(stepId) ?? 0;
    return count === 0 ? '' : `${before}${count.toLocaleString('en')} characters`;
  }
}

function lineOf(event: RunEvent, started: ReadonlyMap<string, number>, written: Written): string | undefined {
  switch (event.type) {
    case 'step.ended': {
      const since = started.get(event.stepId);
      const took = since === undefined ? '' : ` in ${seconds(event.timestamp - since)}`;
      return `${event.stepId}: ${event.status}${took}${written.by(event.stepId)}${event.error ? ` (${safeMessage(event.error.cause)})` : ''}`;
    }
    case 'step.retrying':
      return `${event.stepId}: failed (${safeMessage(event.error)}); try ${event.attempt} in ${seconds(event.delayMs)}`;
    case 'step.hedged':
      return `${event.stepId}: late; a second attempt begins`;
    case 'run.stalled':
      return `every step waits: ${event.waiting.map(({ stepId, waitsFor }) => `${stepId} for ${waitsFor}`).join('; ')}`;
    default:
      return undefined;
  }
}

type Mark = 'waiting' | 'ready' | 'running' | 'held' | 'ended';
const ORDER: readonly Mark[] = ['running', 'held', 'ready', 'waiting', 'ended'];

function live(stream: NodeJS.WriteStream, program: Program): Progress {
  const draw = createLogUpdate(stream);
  const marks = new Map<string, { mark: Mark; since: number; text: string }>();
  const writers = waitsOf(program);
  const written = new Written();
  let ended = 0;
  let failed = 0;
  let over = false;
  let begin = performance.now();
  let typed: string | undefined;
  const frame = (): string => {
    const now = performance.now();
    const rows = Math.max(3, (stream.rows ?? 24) - (typed === undefined ? 2 : 3));
    const width = Math.max(20, columnsOf(stream));
    const shown = [...marks]
      .sort(([, a], [, b]) => ORDER.indexOf(a.mark) - ORDER.indexOf(b.mark) || b.since - a.since)
      .slice(0, rows);
    const lines = shown.map(([id, { mark, since, text }]) => {
      if (mark === 'running') return `▶ ${id}  ${seconds(now - since)}${text}${written.by(id, '  ')}`;
      if (mark === 'held') return `⏸ ${id}  held until a cue`;
      if (mark === 'ready') return `○ ${id}  waits for a unit`;
      if (mark === 'ended') return `${text}`;
      const missing = (writers.get(id) ?? []).filter((other) => marks.get(other)?.mark !== 'ended');
      return `· ${id}  waits for ${missing.join(', ')}`;
    });
    const head = `${ended} of ${program.steps.length} done${failed > 0 ? `, ${failed} failed` : ''}, ${seconds(now - begin)}`;
    const prompt = typed === undefined ? [] : [`> ${typed}`];
    return [head, ...lines, ...prompt].map((line) => fit(line, width - 1)).join('\n');
  };
  const timer = setInterval(() => draw(frame()), 100);
  return {
    say: (line) => draw.persist(clean(line)),
    typed(text) {
      typed = text;
      if (!over) draw(frame());
    },
    tell(event) {
      if (event.type === 'run.started') begin = event.timestamp;
      written.note(event);
      if (!('stepId' in event) || event.type === 'step.text') return;
      const { stepId: id, timestamp: since } = event;
      const put = (mark: Mark, text = '') => void marks.set(id, { mark, since, text });
      if (event.type === 'step.issued' || event.type === 'step.resumed') put('waiting');
      else if (event.type === 'step.ready') put('ready');
      else if (event.type === 'step.held' || event.type === 'step.doubtful') put('held');
      else if (event.type === 'step.started')
        put('running', event.attempt > 1 ? `  (try ${event.attempt})` : '');
      else if (event.type === 'step.hedged') {
        const mark = marks.get(id);
        if (mark !== undefined) marks.set(id, { ...mark, text: '  (late, second attempt)' });
      } else if (event.type === 'step.retrying') put('waiting');
      else if (event.type === 'step.ended') {
        const good = event.status === 'done' || event.status === 'defaulted' || event.status === 'tacet';
        ended++;
        if (!good) failed++;
        const began = marks.get(id);
        const took = began?.mark === 'running' ? `  ${seconds(since - began.since)}${written.by(id)}` : '';
        put(
          'ended',
          `${good ? '✔' : '✘'} ${id}${took}${event.error ? `  ${safeMessage(event.error.cause)}` : ''}`,
        );
      }
    },
    end() {
      if (over) return; // a second picture would follow what is printed below the first
      over = true;
      clearInterval(timer);
      draw(frame());
      draw.done();
    },
  };
}

function waitsOf({ steps, firstEdge, source }: Program): Map<string, string[]> {
  return new Map(
    steps.map((step, i) => [
      step.id,
      [...new Set(source.subarray(firstEdge[i], firstEdge[i + 1]))].flatMap((tag) => steps[tag]?.id ?? []),
    ]),
  );
}

const fit = (line: string, width: number): string => {
  const plain = [...clean(line)];
  return plain.length <= width ? plain.join('') : `${plain.slice(0, width - 1).join('')}…`;
};

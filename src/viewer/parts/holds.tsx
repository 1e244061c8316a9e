/** Held steps of a live performance, each with its question, its operands and what can be done. */
import { useEffect, useState } from 'preact/hooks';
import { isObject, textOf } from '../model/message.ts';
import type { ViewerSession } from '../session.ts';

/** Milliseconds between two looks at what is held. */
const LOOK_MS = 1_000;

interface HeldOnPage {
  readonly stepId: string;
  readonly question: string | undefined;
  readonly needsAnswer: boolean;
  readonly yesOrNo: boolean;
  readonly operands: Readonly<Record<string, unknown>> | undefined;
}

export function HeldSteps({ session }: { session: ViewerSession }) {
  const [held, setHeld] = useState<readonly HeldOnPage[]>([]);
  const live = session.live === 'on';
  useEffect(() => {
    if (!live) return setHeld([]);
    const look = async () => setHeld(await heldNow());
    void look();
    const timer = setInterval(() => void look(), LOOK_MS);
    return () => clearInterval(timer);
  }, [live]);
  if (held.length === 0) return null;
  const decided = async () => setHeld(await heldNow());
  return (
    <section class="holds" aria-label="Held steps">
      {held.map((one) => (
        <HeldStepForm key={one.stepId} held={one} decided={decided} />
      ))}
    </section>
  );
}

function HeldStepForm({ held, decided }: { held: HeldOnPage; decided: () => Promise<void> }) {
  const { stepId, question, needsAnswer, yesOrNo, operands = {} } = held;
  const [text, setText] = useState('');
  const [edits, setEdits] = useState<Record<string, string>>({});
  const [trouble, setTrouble] = useState('');
  const send = async (decision: object) => {
    const changed = Object.entries(edits).map(([name, edited]) => [name, valueOf(edited, operands[name])]);
    const edited = changed.length === 0 ? {} : { operands: Object.fromEntries(changed) as object };
    const body = JSON.stringify({ stepId, ...decision, ...('reason' in decision ? {} : edited) });
    const response = await fetch('hold', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    setTrouble(response.ok ? '' : await response.text());
    if (response.ok) await decided();
  };
  const answer = (value: unknown) => void send({ decision: 'cue', answer: value });
  return (
    <form
      class="held"
      onSubmit={(event) => {
        event.preventDefault();
        if (needsAnswer || text !== '') answer(readText(text));
        else void send({ decision: 'cue' });
      }}
    >
      <strong>{stepId}</strong> <span>{question ?? 'is held'}</span>
      {Object.entries(operands).map(([name, value]) => (
        <label key={name}>
          {name}
          <textarea
            value={edits[name] ?? shownAs(value)}
            onInput={({ currentTarget }) => setEdits({ ...edits, [name]: currentTarget.value })}
          />
        </label>
      ))}
      {yesOrNo ? (
        <>
          <button type="button" onClick={() => answer(true)}>
            Yes
          </button>
          <button type="button" onClick={() => answer(false)}>
            No
          </button>
        </>
      ) : (
        <>
          {needsAnswer || question !== undefined ? (
            <input
              aria-label={`Answer to ${stepId}`}
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
            />
          ) : null}
          <button type="submit">{needsAnswer ? 'Answer' : 'Go on'}</button>
        </>
      )}
      <button
        type="button"
        onClick={() => void send({ decision: 'refuse', reason: text || 'refused on the page' })}
      >
        Refuse
      </button>
      {trouble === '' ? null : <p role="alert">{trouble}</p>}
    </form>
  );
}

const shownAs = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value, null, 2);
/** What a person typed: JSON where it is JSON, otherwise text. */
function readText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
/** An edited operand stays text where it was text. */
const valueOf = (text: string, before: unknown): unknown =>
  typeof before === 'string' ? text : readText(text);

async function heldNow(): Promise<readonly HeldOnPage[]> {
  try {
    const response = await fetch('holds.json');
    const list: unknown = response.ok ? await response.json() : [];
    return Array.isArray(list) ? list.filter(isObject).map(heldOf) : [];
  } catch {
    return []; // the performance is over
  }
}
function heldOf(given: Record<string, unknown>): HeldOnPage {
  const { schema, operands } = given;
  return {
    stepId: textOf(given['stepId']) ?? '',
    question: textOf(given['question']),
    needsAnswer: given['needsAnswer'] === true,
    yesOrNo: isObject(schema) && schema['type'] === 'boolean',
    operands: isObject(operands) ? operands : undefined,
  };
}

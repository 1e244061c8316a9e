/** Claims: a counter-example is drawn within the width that is given, with every message in it; as Mermaid it is read
 *  back unharmed by the rules of Mermaid's grammar that it relies on, with any characters in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sequenceMermaid, sequenceText, type Drawable } from 'tutti/specs';

const lost: Drawable = {
  what: 'It does not hold that done means that every chunk is stored.',
  seed: 7,
  transcript: [
    { from: 'uploader', to: 'network', text: 'PUT chunk=0' },
    { from: 'network', text: 'loses PUT chunk=0' },
    {
      from: 'network',
      to: 'server',
      text: 'PUT chunk=1, which is a text that is longer than there is room on one arrow',
    },
    { from: 'server', to: 'uploader', text: 'ACK' },
    { from: 'uploader', to: 'uploader', text: 'done' },
  ],
};
const widest = (text: string) => Math.max(...text.split('\n').map(({ length }) => length));

describe('as text', () => {
  test('it is a sequence diagram of 60 columns', () => {
    expect(`\n${sequenceText(lost)}`).toMatchInlineSnapshot(`
      "
      It does not hold that done means that every chunk is stored.
      seed 7
            uploader             network             server
                │                   │                   │
                ├─PUT chunk=0──────▶│                   │
                │                   │ loses PUT chunk=0 │
                │                   │ PUT chunk=1, which is a text
                │                   │ that is longer than there is
                │                   │ room on one arrow │
                │                   ├──────────────────▶│
                │◀──────────────────────────────────ACK─┤
                │ ⟲ done            │                   │
      "
    `);
  });
  test('a text at the right edge stands to the left of its line, and not word below word', () => {
    const transcript = [
      { from: 'a', to: 'b', text: 'GO' },
      { from: 'b', text: 'a text of quite some words' },
    ];
    const lines = sequenceText({ what: 'Wide.', transcript }, { width: 48 }).split('\n');
    expect(lines.slice(4)).toEqual([' '.repeat(9) + 'a text of quite some words │', '']);
  });
  test('what repeats indefinitely is marked', () => {
    const text = sequenceText({ ...lost, loopsFrom: 3 });
    const lines = text.split('\n');
    expect(lines.indexOf('· from here on, again and again:')).toBe(
      lines.findIndex((line) => line.includes('ACK')) - 1,
    );
    expect(lines.at(-2)).toBe('· and so on, indefinitely.');
  });
  test('with more participants than there is room for it is a list', () => {
    const transcript = Array.from({ length: 9 }, (_, i) => ({
      from: `agent ${i}`,
      to: `agent ${i + 1}`,
      text: 'GO',
    }));
    const text = sequenceText({ what: 'Too many.', transcript });
    expect(text.split('\n').slice(0, 3)).toEqual([
      'Too many.',
      '1. agent 0 → agent 1: GO',
      '2. agent 1 → agent 2: GO',
    ]);
    expect(sequenceText({ what: 'Too many.', transcript }, { width: 100 })).toContain('├─GO');
  });
  test('a terminal receives nothing but text', () => {
    const text = sequenceText({
      what: 'bad\u001B[2J\nname',
      transcript: [{ from: 'a\u0007', text: '\u202Eevil\r\n' }],
    });
    for (const command of ['\u001B', '\u0007', '\u202E', '\r']) expect(text).not.toContain(command);
  });
  test('it stays within its width, and loses no word', () => {
    const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(...'abcxyz=→') });
    const text = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
    const name = fc.constantFrom('N', 'BUS', 'THE LONG NAME OF IT', 'D', 'E');
    const message = fc.record({ from: name, to: fc.option(name, { nil: undefined }), text });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.integer({ min: 20, max: 130 }),
        text,
        (given, width, what) => {
          const transcript = given.map(({ to, ...rest }) => (to === undefined ? rest : { ...rest, to }));
          const drawn = sequenceText({ what, transcript }, { width });
          expect(widest(drawn)).toBeLessThanOrEqual(width);
          const letters = (some: string) => some.replaceAll(/[^abcxyz]/g, '').length;
          const said = transcript.map((m) => letters(m.text)).reduce((sum, n) => sum + n, letters(what));
          expect(letters(drawn)).toBe(said);
        },
      ),
      { numRuns: 500, seed: 4 },
    );
  });
  test('a width of 20 … 400 columns', () => {
    for (const width of [19, 401, 60.5, Number.NaN])
      expect(() => sequenceText(lost, { width })).toThrow(RangeError);
    for (const width of [20, 400]) expect(widest(sequenceText(lost, { width }))).toBeLessThanOrEqual(width);
  });
  test('without participants nothing is drawn', () => {
    expect(sequenceText({ what: 'At once.', transcript: [] })).toBe('At once.\n');
  });
});

/** What Mermaid does with a text: entities first, then statements, then a comment's end, then the statement's kind.
 *  (Mermaid 11.17.2 itself, in a browser, agreed: it took 400 of the diagrams below, and drew such texts unharmed.) */
function read(diagram: string): { names: Map<string, string>; said: string[] } {
  const coded = diagram
    .replaceAll(/(?:style|classDef).*:\S*#.*;/g, (some) => some.slice(0, -1))
    .replaceAll(/#(\d+);/g, '\u{E000}$1\u{E001}')
    .replaceAll(/#(\w+);/g, '\u{E002}$1\u{E001}');
  const [head, ...statements] = coded
    .split(/[\n;]/)
    .map((line) => line.replace(/#.*|%%.*/, '').trim())
    .filter((line) => line !== '');
  expect(head).toBe('sequenceDiagram');
  const decoded = (text: string) =>
    text.replaceAll(/\u{E000}(\d+)\u{E001}/gu, (_, code) => String.fromCodePoint(Number(code)));
  const names = new Map<string, string>();
  const said: string[] = [];
  let open = 0;
  for (const statement of statements) {
    const participant = /^participant (\w+) as +(?!\s|(?:no)?wrap:)(.+)$/.exec(statement);
    const arrow = /^(\w+)->>(\w+): *(?!\s|(?:no)?wrap:)(.+)$/.exec(statement);
    const note = /^Note over (\w+)(?:,(\w+))?: *(?!\s|(?:no)?wrap:)(.+)$/.exec(statement);
    if (participant) names.set(participant[1]!, decoded(participant[2]!));
    else if (arrow) said.push(`${names.get(arrow[1]!)}→${names.get(arrow[2]!)}:${decoded(arrow[3]!)}`);
    else if (note) said.push(`${names.get(note[1]!)}:${decoded(note[3]!)}`);
    else if (statement === 'loop again and again') open++;
    else if (statement === 'end') open--;
    else throw new Error(`Mermaid would not understand: ${statement}`);
  }
  expect(open).toBe(0);
  return { names, said };
}

/** A text as it should come back: one line, with marks for new lines, and nothing at its ends. */
const back = (text: string): string =>
  text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => line.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim())
    .join('<br/>')
    .trim() || ' ';
const tidy = (line: string): string => line.replaceAll(/\s+/g, ' ').trim();

describe('as Mermaid', () => {
  test('it is a sequence diagram', () => {
    expect(`\n${sequenceMermaid({ ...lost, loopsFrom: 3 })}`).toMatchInlineSnapshot(`
      "
      sequenceDiagram
        participant p1 as uploader
        participant p2 as network
        participant p3 as server
        p1->>p2: PUT chunk=0
        Note over p2: loses PUT chunk=0
        p2->>p3: PUT chunk=1, which is a text that is longer than there is room on one arrow
        loop again and again
        p3->>p1: ACK
        p1->>p1: done
        end
        Note over p1,p3: It does not hold that done means that every chunk is stored. (seed 7)
      "
    `);
  });
  const nasty = [
    'end', 'wrap: x', 'nowrap:', ';', '#', '#59;', '%%', '%%{init: {}}%%', '"', '\n', '\r\n', '\u2028', '->>', '-->>', 'Note over p1: x',
    'style a:b#c;', 'classDef x:#fff;', '<script>', '&lt;', '$$x$$', 'loop', ' ', '{', '}', '`', 'p1', 'as', ':', ',', '+', '\u001B', '\u{1F600}',
  ]; // prettier-ignore
  const text = fc.oneof(
    fc.array(fc.constantFrom(...nasty), { maxLength: 6 }).map((parts) => parts.join('')),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
  );
  test('any text, with any names, comes back', () => {
    const message = fc.record({ from: text, to: fc.option(text, { nil: undefined }), text });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), text, fc.nat(8), (given, what, loop) => {
        const transcript = given.map(({ to, ...rest }) => (to === undefined ? rest : { ...rest, to }));
        const { said } = read(
          sequenceMermaid({ what, transcript, loopsFrom: Math.min(loop, transcript.length) }),
        );
        const wanted = given.map(({ from, to, text: words }) =>
          to === undefined ? `${back(from)}:${back(words)}` : `${back(from)}→${back(to)}:${back(words)}`,
        );
        expect(said.slice(0, -1).map(tidy)).toEqual(wanted.map(tidy));
        expect(said.at(-1)!.endsWith(back(what))).toBe(true);
      }),
      { numRuns: 2_000, seed: 9 },
    );
  });
  test('the reader in this test refuses what Mermaid refuses', () => {
    for (const bad of [
      'p1->>p2: a; b',
      'p1->>p2 a',
      'participant end',
      'p1->>p2: wrap: x',
      'loop again and again',
    ])
      expect(() => read(`sequenceDiagram\nparticipant p1 as a\n${bad}\n`), bad).toThrow();
  });
  test('a transcript without participants gets one, so that it can be drawn', () => {
    expect(read(sequenceMermaid({ what: 'At once.', transcript: [] })).said).toEqual(['(none):At once.']);
  });
});

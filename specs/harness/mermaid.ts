/** A counter-example as a Mermaid `sequenceDiagram`.
 *
 *  What is relied on, of Mermaid's grammar (packages/mermaid/src/diagrams/sequence/parser/sequenceDiagram.jison) and of
 *  its handling of entities (`encodeEntities`): a statement ends at a new line or `;`, a comment begins at `#` or `%%`,
 *  a text is all from the colon to one of these, `#59;` in a text is the character with that code, and `<br/>` is a new
 *  line. Names may be anything, the word `end` as well, because the text refers to a participant by a short id. A colon
 *  is written by its code, too: Mermaid takes `wrap:` before a text for a command, and mends lines that look like a
 *  style. */
import { participants, type Drawable } from './transcript.ts';

/** Draws it.
 *  @example
 *  ```ts
 *  sequenceMermaid({ what: 'Lost.', transcript: [{ from: 'a', to: 'b', text: 'GO; now' }] }).includes('p1->>p2: GO#59; now'); // true
 *  ``` */
export function sequenceMermaid({ what, seed, transcript, loopsFrom }: Drawable): string {
  const names = participants(transcript);
  const id = (name: string) => `p${names.indexOf(name) + 1}`;
  const lines = names.map((name) => `participant ${id(name)} as ${escaped(name)}`);
  for (const [i, { from, to, text }] of transcript.entries()) {
    if (i === loopsFrom) lines.push('loop again and again');
    lines.push(
      to === undefined
        ? `Note over ${id(from)}: ${escaped(text)}`
        : `${id(from)}->>${id(to)}: ${escaped(text)}`,
    );
  }
  if (loopsFrom !== undefined && loopsFrom < transcript.length) lines.push('end');
  const all = names.length > 1 ? `p1,p${names.length}` : 'p1';
  const summary = escaped(seed === undefined ? what : `${what} (seed ${seed})`);
  lines.push(...(names.length === 0 ? ['participant p1 as (none)'] : []), `Note over ${all}: ${summary}`);
  return `sequenceDiagram\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** Every character that means something to Mermaid or to HTML, by its code. */
function escaped(text: string): string {
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) =>
    line
      .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
      .trim()
      .replaceAll(/[#;:%<>&"'`{}[\]\\$]/g, (character) => `#${character.charCodeAt(0)};`),
  );
  return lines.join('<br/>') || '#32;';
}

/** Everything that comes out of a reviewed repository is hostile: a file name may be markup, a message may
 *  quote code that is, and either may contain characters that reorder or hide the text around them. */

/** Control characters, invisible direction marks, separators that end a line, and halves of characters. */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- these are the characters to be shown
  /[\u0000-\u001F\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** Make what cannot be seen visible, on one line. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    if (character === '\r') return '\\r';
    return `\\u{${character.charCodeAt(0).toString(16)}}`;
  });
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for quoted attributes of HTML. */
export function html(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** For text within a line of Markdown, table cells included: markup becomes entities, signs that could mean
 *  something are escaped, and so are addresses, so that nothing turns into a link. What only means something
 *  at the start of a line is left readable, since the report starts every line itself. */
export function markdown(text: string): string {
  return visible(text)
    .replace(/[\\`*_{}[\]|~$@]/g, '\\$&')
    .replace(/:(?=\/\/)/g, '\\:')
    .replace(/\b(www)\./gi, '$1\\.')
    .replace(/[&<>]/g, (character) => ENTITIES[character] ?? character);
}

/** Keep a message readable: some quote a whole declaration. */
export function clip(text: string, length = 400): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

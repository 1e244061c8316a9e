/** Properties of the terminal. */

/** How many characters fit on a line: the terminal's own width, else what COLUMNS says, else 80. */
export function columnsOf(stream: { readonly columns?: number }, environment = process.env): number {
  const said = Number(environment['COLUMNS']);
  return stream.columns || (Number.isInteger(said) && said > 0 ? said : 80);
}

/** Removes what would move the cursor or change colours. */
export const clean = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');

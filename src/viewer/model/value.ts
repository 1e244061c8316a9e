/** A state's value as one line of text: `ready`, `on.fast`, and for parallel regions `sound.on · light.off`. */

const BETWEEN = ' · ';

export function valueText(value: unknown): string {
  return leaves(value, '').join(BETWEEN);
}
function leaves(value: unknown, path: string): string[] {
  if (typeof value === 'string') return [path === '' ? value : `${path}.${value}`];
  if (typeof value !== 'object' || value === null) return path === '' ? [] : [path];
  const entries = Object.entries(value);
  if (entries.length === 0) return path === '' ? [] : [path];
  return entries.flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
}

/** Every state that is active: the leaves, and all that hold them. */
export function activePaths(text: string): Set<string> {
  const paths = new Set<string>();
  if (text === '') return paths;
  for (const leaf of text.split(BETWEEN)) {
    for (let end = leaf.length; end > 0; end = leaf.lastIndexOf('.', end - 1)) paths.add(leaf.slice(0, end));
  }
  return paths;
}

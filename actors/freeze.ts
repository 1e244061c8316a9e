/** Results travel by reference; freezing them keeps one reader from changing what another reads. */

/** Freezes plain objects and arrays, all the way down. Instances of classes and binary data stay as they are:
 *  freezing them would break them. Iterative, so that a deep value does not overflow the stack. */
export function freeze<T>(value: T): T {
  if (!freezable(value)) return value;
  const waiting: object[] = [value as object];
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    Object.freeze(item);
    for (const child of Object.values(item)) if (freezable(child)) waiting.push(child as object);
  }
  return value;
}

function freezable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

/** Results are passed by reference; freezing them keeps one reader from changing what another reads. */

/** Frozen containers whose content is known to be frozen, too. A container enters when it is met frozen: an object that
 *  its author has frozen may hold objects that are not. */
const deeplyFrozen = new WeakSet<object>();

/** Freezes plain objects and arrays, all the way down, also below objects that are frozen already. Instances of classes
 *  and binary data stay as they are: freezing them would break them. Iterative, so that a deep value does not overflow
 *  the stack.
 *  @throws what a getter of the value throws */
export function freeze<T>(value: T): T {
  if (!isContainer(value)) return value;
  const waiting: object[] = [value];
  const met: object[] = [];
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    if (deeplyFrozen.has(item)) continue;
    if (Object.isFrozen(item)) {
      deeplyFrozen.add(item);
      met.push(item);
    } else Object.freeze(item);
    try {
      for (const child of Object.values(item)) if (isContainer(child)) waiting.push(child);
    } catch (error) {
      for (const known of met) deeplyFrozen.delete(known);
      throw error;
    }
  }
  return value;
}

/** Copies plain objects and arrays, all the way down, and freezes the copies, so that the owner can still change the
 *  original. Instances of classes and binary data are not copied.
 *  @throws what a getter of the value throws */
export function frozenCopy<T>(value: T): T {
  const copies = new Map<object, object>();
  const waiting: object[] = [];
  const copyOf = (given: unknown): unknown => {
    if (!isContainer(given)) return given;
    const known = copies.get(given);
    if (known !== undefined) return known;
    const copy = Array.isArray(given)
      ? []
      : (Object.create(Object.getPrototypeOf(given) as object) as object);
    copies.set(given, copy);
    waiting.push(given);
    return copy;
  };
  const result = copyOf(value) as T;
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    const copy = copies.get(item)!;
    if (Array.isArray(item)) for (const child of item) (copy as unknown[]).push(copyOf(child));
    else for (const [key, child] of Object.entries(item)) setOwn(copy, key, copyOf(child));
  }
  for (const copy of copies.values()) Object.freeze(copy);
  return result;
}

/** Sets an own property; plain assignment of `__proto__` would set the prototype. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else (target as Record<string, unknown>)[key] = value;
}

function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

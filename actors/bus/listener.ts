/** Calls a listener so that its failure harms no other code: neither what it throws nor, if it is asynchronous, its
 *  rejection goes further than `onFault`. */
export function callListener<T>(
  listener: ((value: T) => unknown) | undefined,
  value: T,
  onFault: (error: unknown) => void,
): void {
  try {
    const returned = listener?.(value);
    if (returned instanceof Promise) returned.catch(onFault);
  } catch (error) {
    onFault(error);
  }
}

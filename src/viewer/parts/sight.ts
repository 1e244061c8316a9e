/** What part of a scrolled box is in sight. */
import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

/** The part of a box that is in sight, in pixels. */
export interface Sight {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Follows what part of a box is in sight.
 *  @param there whether the box is there */
export function useSight(
  box: RefObject<HTMLDivElement | null>,
  setSight: (sight: Sight) => void,
  there = true,
): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () =>
      setSight({
        left: element.scrollLeft,
        top: element.scrollTop,
        width: element.clientWidth,
        height: element.clientHeight,
      });
    const watch = new ResizeObserver(look);
    watch.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [there]);
}

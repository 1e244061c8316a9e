/** A canvas as sharp as its screen, drawn again when its size, the colours or what it shows has changed. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

export type Colours = (name: string) => string;
export type Draw = (
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  colour: Colours,
) => void;

/** The colours of the page's theme, looked up once for each theme. */
let known = new Map<string, string>();
const dark = matchMedia('(prefers-color-scheme: dark)');
dark.addEventListener('change', () => (known = new Map()));
export const colour: Colours = (name) => {
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    known.set(name, value);
  }
  return value;
};

/** @returns what to put on the canvas element. */
export function useCanvas(draw: Draw) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [, again] = useState(0);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const watch = new ResizeObserver(() =>
      setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    watch.observe(element);
    const repaint = () => again((count) => count + 1);
    dark.addEventListener('change', repaint);
    return () => {
      watch.disconnect();
      dark.removeEventListener('change', repaint);
    };
  }, []);
  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (element === null || context === null || context === undefined) return;
    const { clientWidth: width, clientHeight: height } = element;
    const scale = devicePixelRatio;
    const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
    if (element.width !== w || element.height !== h) {
      element.width = w;
      element.height = h;
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    draw(context, width, height, colour);
  });
  return { ref: canvas, size };
}

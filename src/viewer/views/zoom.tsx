/** How much of the time is in sight. */
import type { ViewerSession } from '../session.ts';

export function Zoom({ session }: { session: ViewerSession }) {
  const { zoom } = session.look;
  return (
    <div class="buttons" role="group" aria-label="Time in sight">
      <button
        type="button"
        disabled={zoom <= 1}
        onClick={() => session.go({ zoom: zoom / 2 })}
        aria-label="More of the time"
        title="More of the time (−)"
      >
        −
      </button>
      <button
        type="button"
        disabled={zoom >= 4_096}
        onClick={() => session.go({ zoom: zoom * 2 })}
        aria-label="Less of the time"
        title="Less of the time (+)"
      >
        +
      </button>
      <button type="button" disabled={zoom === 1} onClick={() => session.go({ zoom: 1 })}>
        All
      </button>
    </div>
  );
}

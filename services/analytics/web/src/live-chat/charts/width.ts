import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** What the margins leave of A4, in pixels; Letter is wider. */
const PAPER = 700;

/** The width of an element in pixels, now and whenever it changes, and on paper; 0 until it is known. */
export function useWidth<E extends HTMLElement>(): readonly [RefObject<E | null>, number] {
  const place = useRef<E>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!place.current) return;
    let onScreen = 0;
    let isPrinting = false;
    const draw = (): void => setWidth(isPrinting ? PAPER : onScreen);
    const watching = new ResizeObserver(([entry]) => {
      if (isPrinting) return;
      onScreen = entry?.contentRect.width ?? 0;
      draw();
    });
    // Drawn before the browser lays the paper out, which no observer is told of in time.
    const printing = ({ type }: Event): void => {
      isPrinting = type === "beforeprint";
      draw();
    };
    watching.observe(place.current);
    addEventListener("beforeprint", printing);
    addEventListener("afterprint", printing);
    return () => {
      watching.disconnect();
      removeEventListener("beforeprint", printing);
      removeEventListener("afterprint", printing);
    };
  }, []);
  return [place, width];
}

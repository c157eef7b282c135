/** Lifts the bubble above the page's own buttons and fields, so that it covers none of them. */

const CONTROLS = "a[href], button, input, select, textarea, summary, [role=button], [contenteditable]";
const STEP = 8;
const SETTLED_MS = 150;

/** Until the function that it returns is called; looks whenever the page has settled. */
export function liftAbove(bubble: HTMLElement | null): () => void {
  if (!bubble) return () => {};
  let timer = 0;
  const place = (): void => bubble.style.setProperty("--lift", `${lift(bubble)}px`);
  const later = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(place, SETTLED_MS);
  };
  const options = { passive: true, capture: true };
  addEventListener("scroll", later, options);
  addEventListener("resize", later, options);
  const observer = new MutationObserver(later);
  if (document.body) observer.observe(document.body, { childList: true, subtree: true });
  place();
  return () => {
    clearTimeout(timer);
    removeEventListener("scroll", later, options);
    removeEventListener("resize", later, options);
    observer.disconnect();
  };
}

/** How many pixels up the bubble covers no control; 0 if there is no such place in the lower half of the page. */
function lift(bubble: HTMLElement): number {
  const before = Number.parseFloat(bubble.style.getPropertyValue("--lift")) || 0;
  const { left, right, top, bottom } = bubble.getBoundingClientRect();
  for (let up = 0; up < innerHeight / 2; up += STEP) {
    if (!covers(left, right, top + before - up, bottom + before - up)) return up;
  }
  return 0;
}

function covers(left: number, right: number, top: number, bottom: number): boolean {
  const middle = (left + right) / 2;
  const across = [left, middle, right - 1];
  const down = [top, (top + bottom) / 2, bottom - 1];
  return across.some((x) =>
    down.some((y) => document.elementsFromPoint(x, y).some((each) => each.closest(CONTROLS) !== null)),
  );
}

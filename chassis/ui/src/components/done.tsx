/** What was done, said for a moment. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";

const SAID_MS = 4000;

interface Said {
  /** When it was done, or whether; nothing is said before. */
  at: number | boolean;
  children: ComponentChildren;
}

export function Done({ at, children }: Said): JSX.Element {
  const shown = useSignal(false);
  useEffect(() => {
    shown.value = Boolean(at);
    const timer = setTimeout(() => {
      shown.value = false;
    }, SAID_MS);
    return () => clearTimeout(timer);
  }, [at]);
  return <div role="status">{shown.value && <p class="toast">{children}</p>}</div>;
}

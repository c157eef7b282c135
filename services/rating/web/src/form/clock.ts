/** The time by the service's clock, which decides what can still be answered; a visitor's own may be wrong. */
import { signal } from "@preact/signals";

const TICK_MS = 60_000;
/** A timer that is set to more than this fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
let ahead = 0;

export const now = signal(new Date());

/** Takes the time that a response was made at; its header counts seconds. */
export function setBy(response: Response): void {
  const told = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(told)) {
    const difference = told - Date.now();
    ahead = Math.abs(difference) < 2_000 ? 0 : difference;
  }
  tick();
}

export function tick(): void {
  now.value = new Date(Date.now() + ahead);
}

/** Calls `tick` each minute, and at `end`; returns how to stop it. */
export function tickUntil(end: Date | null): () => void {
  const minute = setInterval(tick, TICK_MS);
  const left = end ? end.getTime() - now.value.getTime() : LONGEST_TIMEOUT_MS;
  const last = setTimeout(tick, Math.min(left + 50, LONGEST_TIMEOUT_MS));
  return () => {
    clearInterval(minute);
    clearTimeout(last);
  };
}

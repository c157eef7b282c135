/** How long somebody waits, by a clock that ticks for all rows at once. */
import { signal } from "@preact/signals";

/** This machine's time, each second. */
export const now = signal(Date.now());
/** How far the service's clock is ahead of this machine's, in milliseconds: waiting times are the service's. */
let ahead = 0;

/** Lets the clock tick until the function that it returns is called. */
export function ticking(): () => void {
  const timer = setInterval(() => {
    now.value = Date.now();
  }, 1000);
  return () => clearInterval(timer);
}

/** Takes the service's time from a response. */
export function learn(date: string | null, at = Date.now()): void {
  const told = date ? Date.parse(date) : Number.NaN;
  // The header has whole seconds, and took its way: less than two are no difference.
  if (!Number.isNaN(told)) ahead = Math.abs(told - at) < 2000 ? 0 : told - at;
}

/** Whole seconds since then; from a minute on in steps of five, so that the eye has rest. */
export function waited(since: string, at = now.value): number {
  const seconds = Math.max(0, Math.floor((at + ahead - Date.parse(since)) / 1000));
  return seconds < 60 ? seconds : seconds - (seconds % 5);
}

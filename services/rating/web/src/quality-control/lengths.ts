/** Lengths of time as people set them: a number and a unit. */
export const UNITS = ["seconds", "minutes", "hours", "days"] as const;
export type Unit = (typeof UNITS)[number];

const SECONDS: Record<Unit, number> = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 };
const TEN_YEARS = 3650 * SECONDS.days;

export interface Length {
  count: number;
  unit: Unit;
}

/** In the largest unit that leaves no rest; nothing at all is 0 minutes. */
export function asLength(seconds: number): Length {
  const unit = seconds === 0 ? "minutes" : [...UNITS].reverse().find((each) => seconds % SECONDS[each] === 0);
  return unit ? { count: seconds / SECONDS[unit], unit } : { count: seconds, unit: "seconds" };
}

export function inSeconds(count: number, unit: Unit): number {
  return Math.round(count * SECONDS[unit] * 1_000) / 1_000;
}

/** The number that was typed, with a point or a comma; null if it is none. */
export function typed(text: string): number | null {
  const plain = text.trim().replace(",", ".");
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : null;
}

/** Whether so many seconds can be set; `least` is 0 or 1. */
export function isWithin(seconds: number, least: number): boolean {
  return seconds >= least && seconds <= TEN_YEARS;
}

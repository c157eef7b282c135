/** The closes by weekday and hour. */
import type { Hours } from "./types.ts";

export interface Cell {
  closed: number;
  rated: number;
  /** 1 to 5; 0 for none. */
  heat: number;
}

export interface Week {
  /** The first and the last hour that is shown; those outside of them have no close. */
  first: number;
  last: number;
  /** By weekday, Monday's first; then by hour from `first` to `last`. */
  days: readonly (readonly Cell[])[];
  most: number;
}

const STEPS = 5;

/** Null without a close. */
export function weekOf({ hours }: Pick<Hours, "hours">): Week | null {
  const taken = hours.filter((each) => each.closed > 0).map((each) => each.hour);
  if (!taken.length) return null;
  const [first, last] = [Math.min(...taken), Math.max(...taken)];
  const most = Math.max(...hours.map((each) => each.closed));
  const days = [1, 2, 3, 4, 5, 6, 7].map((weekday) =>
    hours
      .filter((each) => each.weekday === weekday && each.hour >= first && each.hour <= last)
      .sort((one, other) => one.hour - other.hour)
      .map(({ closed, given }) => ({ closed, rated: given, heat: Math.ceil((STEPS * closed) / most) })),
  );
  return { first, last, days, most };
}

/** Data of the API for the tests of shapes. */
import type { Bucket, FunnelPosition, OperatorRow, Share, Summary } from "./types.ts";

/** A share with some interval. */
export function shareOf(count: number, n: number, minimum = 20): Share {
  const few = n < minimum;
  if (!n) return { value: null, n, low: null, high: null, too_few: few };
  const [value, reach] = [(100 * count) / n, 100 / Math.sqrt(n)];
  return { value, n, low: Math.max(0, value - reach), high: Math.min(100, value + reach), too_few: few };
}

export interface SampleDay {
  date: string;
  closed?: number;
  rated?: number;
  satisfied?: number;
  funnel?: FunnelPosition | null;
  hours?: number;
}

/** A bucket that begins at midnight of UTC+1. */
export function bucketOf(day: SampleDay): Bucket {
  const { date, rated = 0, satisfied = 0, closed = rated, funnel = null, hours = 24 } = day;
  const until = new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  const offset = `+0${25 - hours}:00`;
  const numbers = { closed, given: rated, satisfied, csat: shareOf(satisfied, rated), funnel };
  return { ...numbers, from: `${date}T00:00:00+01:00`, to: `${until}T00:00:00${offset}` } as Bucket;
}

/** `count` days from `first` on. */
export function daysFrom(
  first: string,
  count: number,
  each: (at: number) => Omit<SampleDay, "date">,
): Bucket[] {
  const at = (index: number): string =>
    new Date(Date.parse(`${first}T00:00:00Z`) + index * 86_400_000).toISOString().slice(0, 10);
  return Array.from({ length: count }, (_, index) => bucketOf({ date: at(index), ...each(index) }));
}

export function summaryOf(buckets: Bucket[], before: Bucket[] = []): Summary {
  const sum = (of: (each: Bucket) => number): number => buckets.reduce((all, each) => all + of(each), 0);
  const [given, satisfied] = [sum((each) => each.given), sum((each) => each.satisfied)];
  const csat = shareOf(satisfied, given);
  return {
    closed: sum((each) => each.closed),
    given,
    satisfied,
    csat,
    buckets,
    compared: { buckets: before },
  } as Summary;
}

export function operatorOf(
  operator: string | null,
  rated: number,
  satisfied: number,
  rank: number | null,
): OperatorRow {
  const numbers = { closed: rated, given: rated, satisfied, csat: shareOf(satisfied, rated) };
  return {
    ...numbers,
    response_rate: shareOf(rated, 2 * rated),
    funnel: null,
    estimate: null,
    rank,
    operator,
    name: operator,
  };
}

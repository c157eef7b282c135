/** The days (weeks, months) of the chart of satisfaction: what can be said of each, and which lie together. */
import { type Bucket, type Share, type Standing, type Summary, standingOf } from "./types.ts";

export type Grain = "day" | "week" | "month";

/** One day, week or month. Percentages are 0 to 100. */
export interface Day {
  /** Its first date, "2026-11-12". */
  date: string;
  /** The date after its last. */
  until: string;
  /** How long it is; of a day 23 or 25 where the clocks change. */
  hours: number;
  closed: number;
  rated: number;
  satisfied: number;
  csat: Share;
  /** Null where too few rated, or nobody. */
  value: number | null;
  low: number;
  high: number;
  standing: Standing;
  /** Satisfaction of the period before, at the day that this one is laid over; its date. */
  before: { date: string; csat: Share } | null;
  /** Whether it isn't over. */
  isOpen: boolean;
}

/** Days from one to another, both in it. */
export interface Run {
  from: number;
  to: number;
}

export interface Days {
  days: readonly Day[];
  /** Neighbours of which something can be said. */
  segments: readonly Run[];
  /** Neighbours with too few ratings. */
  few: readonly Run[];
  ghosts: readonly Run[];
  /** How many weeks before the ghost lies; null without a ghost, and of months. */
  weeksBefore: number | null;
  /** Whether the ghost was moved so that weekdays lie on weekdays. */
  byWeekday: boolean;
  /** The foot of the axis. */
  foot: 0 | 40;
  /** The whole's satisfaction. */
  reference: number | null;
  /** Clearly above or below, the widest distance first. */
  apart: readonly number[];
  /** Whether weeks would say more: fewer than half of the days have enough ratings. */
  offersWeek: boolean;
}

const DAY_MS = 86_400_000;
const LOW_VALUE = 45;
const LABELS = 3;

export const dateOf = (instant: string): string => instant.slice(0, 10);
export const daysBetween = (from: string, to: string): number =>
  Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);

export function daysOf(data: Summary, grain: Grain, now: Date): Days {
  const buckets = data.buckets ?? [];
  const { at, ...ghost } = aligned(buckets, data.compared?.buckets ?? [], grain);
  const days = buckets.map((each, index) => dayOf(each, at(index), now));
  const reference = data.csat.value;
  const values = days.flatMap((each) => [each.value, beforeOf(each)]).filter((each) => each !== null);
  return {
    days,
    segments: runs(days, (each) => each.value !== null),
    few: runs(days, (each) => each.value === null),
    ghosts: runs(days, (each) => beforeOf(each) !== null),
    ...ghost,
    foot: values.some((each) => each < LOW_VALUE) ? 0 : 40,
    reference,
    apart: apartOf(days, reference ?? 0),
    offersWeek: grain === "day" && days.length >= 14 && 2 * enough(days) < days.length && data.given > 0,
  };
}

/** What the period before says at this day's place; null where that is too little. */
export const beforeOf = ({ before }: Day): number | null =>
  before && !before.csat.too_few ? before.csat.value : null;

const enough = (days: readonly Day[]): number => days.filter((each) => each.value !== null).length;

function dayOf(bucket: Bucket, before: Bucket | undefined, now: Date): Day {
  const { csat } = bucket;
  const [from, to] = [Date.parse(bucket.from), Date.parse(bucket.to)];
  return {
    date: dateOf(bucket.from),
    until: dateOf(bucket.to),
    hours: (to - from) / 3_600_000,
    closed: bucket.closed,
    rated: bucket.given,
    satisfied: bucket.satisfied,
    csat,
    value: csat.too_few ? null : csat.value,
    low: csat.low ?? 0,
    high: csat.high ?? 100,
    standing: csat.too_few ? null : standingOf(bucket.funnel),
    before: before ? { date: dateOf(before.from), csat: before.csat } : null,
    isOpen: from <= now.getTime() && now.getTime() < to,
  };
}

/** Which bucket before lies under each: the one as far from the beginning, moved by up to 3 days to its weekday. */
function aligned(buckets: readonly Bucket[], before: readonly Bucket[], grain: Grain) {
  const [first, earlier] = [buckets[0], before[0]];
  const none = { at: () => undefined, weeksBefore: null, byWeekday: false };
  if (!first || !earlier) return none;
  const distance = daysBetween(dateOf(earlier.from), dateOf(first.from));
  if (grain === "month") return { ...none, at: (index: number): Bucket | undefined => before[index] };
  const over = grain === "day" ? ((distance % 7) + 7) % 7 : 0;
  const shift = over > 3 ? over - 7 : over;
  return {
    at: (index: number): Bucket | undefined => before[index + shift],
    weeksBefore: Math.round((distance - shift) / 7),
    byWeekday: shift !== 0,
  };
}

export function runs<T>(items: readonly T[], isIn: (item: T) => boolean): Run[] {
  const found: Run[] = [];
  for (const [index, item] of items.entries()) {
    if (!isIn(item)) continue;
    const last = found.at(-1);
    if (last && last.to === index - 1) last.to = index;
    else found.push({ from: index, to: index });
  }
  return found;
}

function apartOf(days: readonly Day[], reference: number): number[] {
  const distance = (index: number): number => Math.abs((days[index]?.value ?? reference) - reference);
  return [...days.keys()]
    .filter((index) => ["above", "below"].includes(days[index]?.standing ?? ""))
    .sort((one, other) => distance(other) - distance(one))
    .slice(0, LABELS);
}

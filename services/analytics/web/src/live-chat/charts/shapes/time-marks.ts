/** Where marks stand on the time axis, and how the moment of one is written in a zone. */
import type { Bucket, TimeMark } from "./types.ts";

export interface PlacedMark {
  mark: TimeMark;
  /** From 1, in the order of time. */
  number: number;
  /** The day (week, month) that it is in. */
  index: number;
  /** How far into that day it is, 0 to 1. */
  into: number;
}

/** The marks that lie in one of the buckets. */
export function placedMarks(buckets: readonly Bucket[], marks: readonly TimeMark[]): PlacedMark[] {
  const found = marks.flatMap((mark) => {
    const at = Date.parse(mark.at);
    const index = buckets.findIndex((each) => Date.parse(each.from) <= at && at < Date.parse(each.to));
    const bucket = buckets[index];
    if (!bucket) return [];
    const [from, to] = [Date.parse(bucket.from), Date.parse(bucket.to)];
    return [{ mark, index, into: (at - from) / (to - from) }];
  });
  return found.map((each, at) => ({ ...each, number: at + 1 }));
}

export interface Flag {
  x: number;
  first: number;
  last: number;
}

/** A flag for marks whose own would overlap. */
export function flagsOf(xs: readonly number[], room: number): Flag[] {
  const flags: Flag[] = [];
  for (const [at, x] of xs.entries()) {
    const before = flags.at(-1);
    if (before && x - before.x < room) before.last = at + 1;
    else flags.push({ x, first: at + 1, last: at + 1 });
  }
  return flags;
}

const MINUTE_MS = 60_000;

/** The moment at which the clocks of a zone show this date ("2026-11-23") and time ("09:00"). */
export function momentIn(zone: string, date: string, time: string): Date {
  const shown = Date.parse(`${date}T${time}Z`);
  // Twice: the first guess may lie on the other side of a change of the clocks.
  const first = shown - ahead(zone, shown);
  return new Date(shown - ahead(zone, first));
}

/** How far the clocks of a zone are ahead of UTC, in milliseconds. */
function ahead(zone: string, at: number): number {
  const shown = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "short",
  }).format(at);
  return Date.parse(`${shown.replace(" ", "T")}Z`) - Math.floor(at / MINUTE_MS) * MINUTE_MS;
}

/** The date and the time that the clocks of a zone show. */
export function clockIn(zone: string, at: Date): { date: string; time: string } {
  const [date = "", time = ""] = new Date(at.getTime() + ahead(zone, at.getTime())).toISOString().split("T");
  return { date, time: time.slice(0, 5) };
}

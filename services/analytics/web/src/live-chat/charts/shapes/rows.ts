/** Rows with whiskers, operators' and channels': their groups, their axis, and where each mark lies on it. */
import type { ChannelRow, FormVersion, OperatorRow, Share, Standing, Whole } from "./types.ts";
import { standingOf } from "./types.ts";

type Row = OperatorRow | ChannelRow | FormVersion;

export interface Groups<R extends Row> {
  /** Of whom something can be said, in their order. */
  ranked: readonly R[];
  /** With too few ratings. */
  few: readonly R[];
  /** The row of closes that count for nobody, if there is one. */
  nobody: R | null;
  /** Whether places were given. */
  hasPlaces: boolean;
}

export function groupsOf<R extends Row>(rows: readonly R[]): Groups<R> {
  const isNobody = (row: R): boolean => "operator" in row && row.operator === null;
  const people = rows.filter((each) => !isNobody(each));
  return {
    ranked: people.filter((each) => !each.csat.too_few),
    few: people.filter((each) => each.csat.too_few),
    nobody: rows.find(isNobody) ?? null,
    hasPlaces: people.some((each) => each.rank !== null),
  };
}

export function sums(rows: readonly Row[]): { rows: number; closed: number; rated: number } {
  const sum = (of: (row: Row) => number): number => rows.reduce((all, each) => all + of(each), 0);
  return { rows: rows.length, closed: sum((each) => each.closed), rated: sum((each) => each.given) };
}

export interface Axis {
  foot: 0 | 40 | 70;
  /** Where lines stand, in per cent of the axis; a tick too near to the reference has no words. */
  ticks: readonly { value: number; at: number; isWritten: boolean }[];
  /** Null without ratings. */
  reference: number | null;
}

const TICKS = { 0: [0, 50, 100], 40: [40, 60, 80, 100], 70: [70, 80, 90, 100] } as const;
const WORDS_ROOM = 14;

/** The narrowest axis on which all rows with enough ratings lie; intervals may leave that from 40. */
export function axisOf(rows: readonly Row[], whole: Whole): Axis {
  const said = [...rows.filter((each) => !each.csat.too_few).map((each) => each.csat), whole.csat].filter(
    (each) => each.value !== null,
  );
  const foot = said.every((each) => (each.low ?? 0) >= 70)
    ? 70
    : said.every((each) => (each.value ?? 0) >= 45)
      ? 40
      : 0;
  const start = said.length ? foot : 40;
  const reference = whole.csat.value === null ? null : at(whole.csat.value, start);
  const ticks = TICKS[start].map((value) => {
    const place = at(value, start);
    return { value, at: place, isWritten: reference === null || Math.abs(place - reference) > WORDS_ROOM };
  });
  return { foot: start, ticks, reference };
}

const at = (value: number, foot: number): number => (100 * (value - foot)) / (100 - foot);

export interface Whisker {
  /** In per cent of the axis; null where the value lies under it. */
  dot: number | null;
  low: number;
  high: number;
  /** Whether the interval goes on under the axis. */
  leaves: boolean;
  standing: Standing;
  isFew: boolean;
}

/** Null without ratings. */
export function whiskerOf(csat: Share, funnel: Row["funnel"], { foot }: Axis): Whisker | null {
  if (csat.value === null || csat.low === null || csat.high === null) return null;
  const within = (value: number): number => Math.max(0, at(value, foot));
  return {
    dot: csat.value < foot ? null : at(csat.value, foot),
    low: within(csat.low),
    high: within(csat.high),
    leaves: csat.low < foot,
    standing: csat.too_few ? null : standingOf(funnel),
    isFew: csat.too_few,
  };
}

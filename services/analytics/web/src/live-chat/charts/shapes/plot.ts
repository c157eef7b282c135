/** The drawing of satisfaction by day: paths, bars and labels in pixels. */
import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { beforeOf, type Day, type Days, type Grain, type Run } from "./days.ts";

export const TOP = 8;
export const PLOT = 184;
export const BETWEEN = 36;
export const BARS = 72;
export const BARS_TOP = TOP + PLOT + BETWEEN;
export const BASE = BARS_TOP + BARS;
/** With the dates, and a second line for days of another length. */
export const HEIGHT = BASE + 36;
const LEFT = 44;
const TICK_ROOM = 68;
const LABEL = { width: 176, height: 36, away: 14 };
const COUNT_LABEL = 132;

export interface Sizes {
  width: number;
  /** Room at the end for the words beside the reference line. */
  end: number;
}

export interface Segment {
  area: string;
  low: string;
  high: string;
  line: string;
  /** For a day alone: where its whisker stands. */
  whisker: { x: number; low: number; high: number } | null;
}

export interface Bar {
  x: number;
  width: number;
  /** Where the bar begins, and where its solid part does. */
  top: number;
  ratedTop: number;
}

export interface Label {
  index: number;
  x: number;
  y: number;
  anchor: "start" | "end";
}

export interface Plot {
  x: (index: number) => number;
  y: (value: number) => number;
  left: number;
  right: number;
  step: number;
  ticks: readonly number[];
  segments: readonly Segment[];
  ghosts: readonly string[];
  ghostEnd: { x: number; y: number } | null;
  few: readonly { x: number; width: number }[];
  bars: readonly Bar[];
  barTicks: readonly { value: number; y: number }[];
  labels: readonly Label[];
  /** The day whose bar has its counts beside it. */
  highest: Label | null;
  dates: readonly number[];
}

export function plotOf(shape: Days, { width, end }: Sizes, grain: Grain): Plot {
  const { days, foot } = shape;
  const right = Math.max(LEFT + 1, width - end);
  const step = (right - LEFT) / Math.max(1, days.length);
  const x = (index: number): number => LEFT + (index + 0.5) * step;
  const y = scaleLinear([foot, 100], [TOP + PLOT, TOP]);
  const most = Math.max(1, ...days.map((each) => each.closed));
  const barY = scaleLinear([0, most], [BASE, BARS_TOP]).nice(2);
  const ghosts = shape.ghosts.filter((each) => each.to > each.from);
  const at = (values: (day: Day) => number, run: Run) => along(days, run, x, (day) => y(values(day)));
  const barTicks = barY.ticks(2).filter(Number.isInteger);
  const place = { x, y, left: LEFT, right, step };
  const bars = barsOf(days, place, barY);
  return {
    ...place,
    ticks: foot ? [40, 60, 80, 100] : [0, 20, 40, 60, 80, 100],
    segments: shape.segments.map((run) => segmentOf(days, run, x, y)),
    ghosts: ghosts.map((run) => at((day) => beforeOf(day) ?? 0, run)),
    ghostEnd: ghostEnd(shape, ghosts.at(-1), place),
    few: shape.few.map(({ from, to }) => ({ x: x(from) - step / 2, width: (to - from + 1) * step })),
    bars,
    barTicks: barTicks.map((value) => ({ value, y: barY(value) })),
    labels: labelsOf(shape, place),
    highest: highestOf(bars, place),
    dates: datesOf(days, place, grain),
  };
}

type Place = Pick<Plot, "x" | "y" | "left" | "right" | "step">;

function along(days: readonly Day[], { from, to }: Run, x: (at: number) => number, y: (day: Day) => number) {
  const drawn = line<Day>((_, at) => x(from + at), y);
  return drawn(days.slice(from, to + 1)) ?? "";
}

function segmentOf(days: readonly Day[], run: Run, x: Place["x"], y: Place["y"]): Segment {
  const within = days.slice(run.from, run.to + 1);
  const first = within[0];
  const isAlone = within.length === 1;
  const at = (value: (day: Day) => number) => along(days, run, x, (day) => y(value(day)));
  const band = area<Day>(
    (_, index) => x(run.from + index),
    (day) => y(day.low),
    (day) => y(day.high),
  );
  return {
    area: isAlone ? "" : (band(within) ?? ""),
    low: isAlone ? "" : at((day) => day.low),
    high: isAlone ? "" : at((day) => day.high),
    line: isAlone ? "" : at((day) => day.value ?? 0),
    whisker: isAlone && first ? { x: x(run.from), low: y(first.low), high: y(first.high) } : null,
  };
}

/** Beside the last point of the ghost: outside of the plot where it ends near its end, away from the day's value else. */
function ghostEnd({ days, reference, byWeekday }: Days, run: Run | undefined, { x, y, right, step }: Place) {
  const day = run && days[run.to];
  if (!day) return null;
  const before = beforeOf(day) ?? 0;
  const isFree = !byWeekday && (reference === null || Math.abs(y(reference) - y(before)) >= 16);
  if (isFree && right - x(run.to) < 3 * step) return { x: right + 2, y: y(before) + 4 };
  const isUnder = day.value !== null && day.value > before;
  return { x: x(run.to), y: y(before) + (isUnder ? 14 : -8) };
}

function barsOf(days: readonly Day[], { x, step }: Place, y: (value: number) => number): Bar[] {
  const width = Math.max(1, Math.min(24, step * 0.6));
  return days.map((each, at) => ({
    x: x(at) - width / 2,
    width,
    top: y(each.closed),
    ratedTop: y(each.rated),
  }));
}

/** Words beside the days that stand out: on the side with room, and never over one another. */
function labelsOf({ days, apart }: Days, { x, y, right }: Place): Label[] {
  const placed: (Label & { start: number; top: number })[] = [];
  for (const index of apart) {
    const isStart = x(index) + LABEL.away + LABEL.width <= right;
    const at = { x: x(index) + (isStart ? LABEL.away : -LABEL.away), y: y(days[index]?.value ?? 0) };
    const top = Math.min(Math.max(at.y, TOP + 12), TOP + PLOT - 24);
    const start = isStart ? at.x : at.x - LABEL.width;
    const isFree = placed.every(
      (each) => Math.abs(each.start - start) > LABEL.width || Math.abs(each.top - top) > LABEL.height,
    );
    if (!isFree || start < 0) continue;
    placed.push({ index, x: at.x, y: top, anchor: isStart ? "start" : "end", start, top });
  }
  return placed.map(({ index, x, y, anchor }) => ({ index, x, y, anchor }));
}

/** The highest bar, if its label has room beside it above its neighbours. */
function highestOf(bars: readonly Bar[], { x, right, step }: Place): Label | null {
  if (!bars.length) return null;
  const top = Math.min(...bars.map((each) => each.top));
  const index = bars.findIndex((each) => each.top === top);
  const taken = Math.ceil(COUNT_LABEL / step);
  const isFree = (neighbours: readonly Bar[]): boolean => neighbours.every((each) => each.top > top + 14);
  const away = (bars[index]?.width ?? 0) / 2 + 6;
  const after = x(index) + away;
  if (top > BASE - 20) return null;
  if (after + COUNT_LABEL <= right && isFree(bars.slice(index + 1, index + 1 + taken))) {
    return { index, x: after, y: top + 9, anchor: "start" };
  }
  const before = x(index) - away;
  const isFreeBefore = isFree(bars.slice(Math.max(0, index - taken), index));
  return before - COUNT_LABEL >= 0 && isFreeBefore ? { index, x: before, y: top + 9, anchor: "end" } : null;
}

const HOURS = { day: 24, week: 168 };

/** Whether a day has 23 or 25 hours, or a week is cut by an end of the period. */
export function isOtherLength(day: Day | undefined, grain: Grain): boolean {
  if (!day || grain === "month") return false;
  return Math.abs(day.hours - HOURS[grain]) > (grain === "day" ? 0 : 1);
}

/** The days whose dates are written: the first, those of another length, the last, and Mondays as room allows. */
function datesOf(days: readonly Day[], { x }: Place, grain: Grain): number[] {
  const last = days.length - 1;
  if (last < 0) return [];
  const isOdd = (index: number): boolean => isOtherLength(days[index], grain);
  const isMonday = (day: Day): boolean => new Date(`${day.date}T00:00:00Z`).getUTCDay() === 1;
  const usual = [...days.keys()].filter((at) => grain !== "day" || (days[at] && isMonday(days[at])));
  const chosen: number[] = [];
  for (const at of [0, last, ...[...days.keys()].filter(isOdd), ...usual]) {
    if (chosen.every((each) => Math.abs(x(each) - x(at)) >= TICK_ROOM)) chosen.push(at);
  }
  return chosen.sort((one, other) => one - other);
}

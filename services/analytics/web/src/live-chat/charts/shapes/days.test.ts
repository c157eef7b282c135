import { describe, expect, it } from "vitest";
import { daysOf } from "./days.ts";
import { BARS_TOP, BASE, plotOf } from "./plot.ts";
import { bucketOf, daysFrom, summaryOf } from "./sample.ts";

const NOW = new Date("2026-11-23T09:00:00Z");
const WIDE = { width: 910, end: 84 };
const full = { closed: 60, rated: 25, satisfied: 22 };
const drawn = (...given: Parameters<typeof summaryOf>) => {
  const shape = daysOf(summaryOf(...given), "day", NOW);
  return { shape, plot: plotOf(shape, WIDE, "day") };
};

describe("the days of satisfaction", () => {
  it("draws nothing that nobody said", () => {
    const { shape, plot } = drawn(daysFrom("2026-10-27", 28, () => ({})));
    expect(shape.segments).toEqual([]);
    expect(shape.few).toEqual([{ from: 0, to: 27 }]);
    expect(shape.reference).toBeNull();
    expect(plot.highest).toBeNull();
    expect(plot.bars.every((each) => each.top === BASE)).toBe(true);
  });

  it("stands without any day", () => {
    const { shape, plot } = drawn([]);
    expect(shape.days).toEqual([]);
    expect(plot.dates).toEqual([]);
  });

  it("draws one day as a whisker", () => {
    const { plot } = drawn(daysFrom("2026-11-23", 1, () => full));
    const [only] = plot.segments;
    expect(only?.line).toBe("");
    expect(only?.whisker?.low).toBeGreaterThan(only?.whisker?.high ?? Number.NaN);
    expect(plot.dates).toEqual([0]);
  });

  it("ends a segment where too few rated", () => {
    const { shape } = drawn(
      daysFrom("2026-10-27", 6, (at) => (at === 2 ? { ...full, rated: 19, satisfied: 19 } : full)),
    );
    expect(shape.segments).toEqual([
      { from: 0, to: 1 },
      { from: 3, to: 5 },
    ]);
    expect(shape.few).toEqual([{ from: 2, to: 2 }]);
  });

  it("begins its axis at 0 as soon as a value is under 45", () => {
    const of = (satisfied: number) =>
      drawn(daysFrom("2026-10-27", 1, () => ({ rated: 100, satisfied }))).shape;
    expect([of(45).foot, of(44).foot]).toEqual([40, 0]);
  });

  it("keeps the dates of 62 days apart", () => {
    const { plot } = drawn(daysFrom("2026-09-23", 62, () => full));
    const xs = plot.dates.map(plot.x);
    expect(xs.length).toBeGreaterThan(4);
    for (const [at, x] of xs.slice(1).entries()) expect(x - (xs[at] ?? 0)).toBeGreaterThanOrEqual(68);
  });

  it("gives days of 23 and 25 hours the same width and their length a place", () => {
    const days = ["2026-10-24", "2026-10-25", "2026-10-26"].map((date, at) =>
      bucketOf({ date, ...full, hours: at === 1 ? 25 : 24 }),
    );
    const shape = daysOf(summaryOf(days), "day", NOW);
    const plot = plotOf(shape, { width: 300, end: 0 }, "day");
    expect(shape.days.map((each) => each.hours)).toEqual([24, 25, 24]);
    expect(plot.x(2) - plot.x(1)).toBeCloseTo(plot.x(1) - plot.x(0));
    expect(plot.dates).toContain(1);
    expect(
      daysOf(
        summaryOf([{ ...bucketOf({ date: "2026-03-29" }), to: "2026-03-30T00:00:00+02:00" }]),
        "day",
        NOW,
      ).days[0]?.hours,
    ).toBe(23);
  });

  it("holds a million", () => {
    const { plot } = drawn(daysFrom("2026-10-27", 28, () => ({ closed: 1e6, rated: 4e5, satisfied: 3e5 })));
    expect(Math.min(...plot.bars.map((each) => each.top))).toBeGreaterThanOrEqual(BARS_TOP);
    expect(plot.barTicks.at(-1)?.value).toBe(1e6);
  });

  it("lays weekdays on weekdays where the periods differ", () => {
    const now = daysFrom("2026-10-25", 30, () => full);
    const before = daysFrom("2026-09-25", 30, (at) => ({ rated: 100, satisfied: 60 + at }));
    const { shape } = drawn(now, before);
    expect(shape).toMatchObject({ weeksBefore: 4, byWeekday: true });
    expect(shape.days[0]?.before?.date).toBe("2026-09-27");
    expect(shape.ghosts).toEqual([{ from: 0, to: 27 }]);
    expect(
      drawn(
        now.slice(2),
        daysFrom("2026-09-29", 28, () => full),
      ).shape.byWeekday,
    ).toBe(false);
  });

  it("names at most three days that stand out, the widest first, and none over another", () => {
    const { shape, plot } = drawn(
      daysFrom("2026-10-27", 28, (at) =>
        at % 7 === 1
          ? { rated: 100, satisfied: 50 + at, funnel: "below_998" }
          : { rated: 100, satisfied: 90 },
      ),
    );
    expect(shape.apart).toEqual([1, 8, 15]);
    expect(plot.labels.map((each) => each.index)).toContain(1);
  });

  it("offers weeks where most days say nothing", () => {
    const of = (every: number) =>
      drawn(daysFrom("2026-10-27", 28, (at) => (at % every ? { rated: 3 } : full))).shape;
    expect([of(1).offersWeek, of(3).offersWeek]).toEqual([false, true]);
  });

  it("says which day isn't over", () => {
    const { shape } = drawn(daysFrom("2026-11-22", 2, () => full));
    expect(shape.days.map((each) => each.isOpen)).toEqual([false, true]);
  });
});

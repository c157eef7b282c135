import { describe, expect, it } from "vitest";
import { weekOf } from "./hours.ts";
import { reasonRows } from "./reasons.ts";
import { axisOf, groupsOf, sums, whiskerOf } from "./rows.ts";
import { operatorOf, shareOf, summaryOf } from "./sample.ts";
import { isAmong, longest, scaleKey, scoreRows, withScores } from "./scores.ts";
import type { Summary } from "./types.ts";

const WHOLE = { ...summaryOf([]), csat: shareOf(358, 412), response_rate: shareOf(412, 1012) };

describe("scores", () => {
  const scale = (counts: number[]) => {
    const n = counts.reduce((sum, each) => sum + each, 0);
    const groups = counts.map((count, at) => ({
      ...{ from: 1 + at, to: 1 + at, n: count },
      share: shareOf(count, n),
    }));
    return { name: "stars", lowest: 1, highest: counts.length, n, groups };
  };

  it("stand highest first, with the colours of satisfaction", () => {
    const rows = scoreRows(scale([18, 14, 22, 88, 270]));
    expect(rows.map((each) => [each.from, each.n, each.colour])).toEqual([
      [5, 270, 5],
      [4, 88, 4],
      [3, 22, 3],
      [2, 14, 2],
      [1, 18, 1],
    ]);
    expect(longest(rows)).toBe(rows[0]?.share.high);
  });

  it("are chosen one by one, or by the groups of a wide scale, on one scale", () => {
    const [five, four] = scoreRows(scale([0, 0, 0, 1, 1]));
    const key = scaleKey(scale([0, 0, 0, 1, 1]));
    if (!five || !four) throw new Error("rows are missing");
    const one = withScores([], key, five, true);
    expect(one).toEqual({ score: [5], scale: "stars:1:5" });
    expect(withScores(one.score, key, four, true).score).toEqual([4, 5]);
    expect([isAmong(five, one.score), isAmong(four, one.score)]).toEqual([true, false]);
    expect(withScores(one.score, key, five, false)).toEqual({ score: [], scale: null });
    const [ten, next] = [
      { ...five, from: 81, to: 100 },
      { ...five, from: 61, to: 80 },
    ];
    const wide = withScores([], "nps:1:100", ten, true).score;
    expect([wide.length, isAmong(ten, wide)]).toEqual([20, true]);
    // More than the API takes: only the row that was chosen last.
    expect(withScores(wide, "nps:1:100", next, true).score).toHaveLength(20);
  });

  it("have an axis also of nothing", () => {
    expect(longest(scoreRows(scale([0, 0])))).toBe(1);
    expect(longest([])).toBe(1);
  });
});

describe("rows with whiskers", () => {
  const rows = [
    operatorOf("ann", 65, 62, 1),
    operatorOf("leo", 30, 24, 2),
    operatorOf("yuki", 3, 0, null),
    operatorOf(null, 0, 0, null),
  ];

  it("are in one group each, and add up", () => {
    const { ranked, few, nobody, hasPlaces } = groupsOf(rows);
    expect([ranked.length, few.length, nobody?.operator, hasPlaces]).toEqual([2, 1, null, true]);
    expect(sums(rows)).toEqual({ rows: 4, closed: 98, rated: 98 });
  });

  it("have the axis that they need", () => {
    expect(axisOf(rows, WHOLE).foot).toBe(40);
    expect(axisOf(rows.slice(0, 1), WHOLE).foot).toBe(70);
    expect(axisOf([...rows, operatorOf("low", 100, 20, 3)], WHOLE).foot).toBe(0);
    expect(axisOf([], { ...WHOLE, csat: shareOf(0, 0) })).toMatchObject({ foot: 40, reference: null });
  });

  it("leave the axis with an arrow, and have no whisker without ratings", () => {
    const axis = axisOf(rows, WHOLE);
    expect(whiskerOf(shareOf(0, 3), null, axis)).toMatchObject({
      dot: null,
      low: 0,
      leaves: true,
      isFew: true,
    });
    expect(whiskerOf(shareOf(0, 0), null, axis)).toBeNull();
    expect(whiskerOf(shareOf(62, 65), "above_998", axis)).toMatchObject({ standing: "above", leaves: false });
  });
});

describe("reasons", () => {
  it("have every close without a rating once, the commonest first", () => {
    const unrated = {
      total: 178,
      by_state: { undecided: 0, not_offered: 117, expired: 40, cancelled: 21 },
      not_offered_by_reason: { spam: 9, no_reply: 108, disabled: 0 },
      cancelled_by_reason: { reopened: 20, erased: 1 },
    };
    const rows = reasonRows({ unrated } as unknown as Summary);
    expect(rows.map((each) => each.state)).toEqual(["not_offered", "expired", "cancelled"]);
    expect(rows.reduce((sum, each) => sum + each.n, 0)).toBe(178);
    for (const { n, reasons } of rows.filter((each) => each.reasons.length)) {
      expect(reasons.reduce((sum, each) => sum + each.n, 0)).toBe(n);
    }
  });
});

describe("hours", () => {
  const hours = (closed: (weekday: number, hour: number) => number) => ({
    hours: Array.from({ length: 168 }, (_, at) => {
      const [weekday, hour] = [1 + Math.floor(at / 24), at % 24];
      return { weekday, hour, closed: closed(weekday, hour), given: 0 };
    }),
  });

  it("fold away what is empty at both ends, and nothing between", () => {
    const week = weekOf(
      hours((day, hour) => ((day === 1 && hour === 7) || (day === 7 && hour === 22) ? 34 : 0)),
    );
    expect([week?.first, week?.last, week?.days[0]?.length]).toEqual([7, 22, 16]);
  });

  it("have five steps of heat, the highest at the most, also of a million", () => {
    const week = weekOf(hours((_, hour) => (hour === 12 ? 1e6 : hour === 13 ? 1 : 0)));
    expect(week?.days[0]?.map((each) => each.heat)).toEqual([5, 1]);
    expect(weekOf(hours(() => 0))).toBeNull();
  });
});

import { describe, expect, it } from "vitest";
import { defaults } from "./address.ts";
import { filterOf, listFilterOf, merged, type Review, type Summary, withWords } from "./data.ts";
import { addsUp, GROUPS, keyColumns, type PartCounts, partCounts, placed } from "./shape.ts";

const COUNTS: PartCounts = {
  satisfied: 358,
  unsatisfied: 54,
  declined: 60,
  expired: 540,
  pending: 52,
  scheduled: 4,
  undecided: 1,
  cancelled: 21,
  undeliverable: 7,
  not_offered: 117,
};
const NONE = Object.fromEntries(Object.keys(COUNTS).map((each) => [each, 0])) as PartCounts;

describe("the bar", () => {
  it("fills its width, with every part at least 4 wide", () => {
    const bar = placed(COUNTS, 1376);
    expect(bar).toHaveLength(10);
    expect(Math.min(...bar.map((each) => each.width))).toBeGreaterThanOrEqual(4);
    const last = bar.at(-1);
    expect((last?.x ?? 0) + (last?.width ?? 0)).toBeCloseTo(1376);
    for (const [at, each] of bar.slice(1).entries()) {
      expect(each.x).toBeGreaterThanOrEqual((bar[at]?.x ?? 0) + (bar[at]?.width ?? 0) + 1.99);
    }
  });

  it("has nothing where nothing was closed, and nothing for an empty part", () => {
    expect(placed(NONE, 1376)).toEqual([]);
    expect(placed({ ...NONE, expired: 3 }, 300)).toEqual([{ part: "expired", x: 0, width: 300 }]);
  });

  it("has a key whose columns neither overlap nor leave the page", () => {
    for (const width of [960, 1376]) {
      for (const counts of [
        COUNTS,
        NONE,
        { ...NONE, not_offered: 1 },
        { ...NONE, satisfied: 9, pending: 1 },
      ]) {
        const columns = keyColumns(placed(counts, width), width, 150);
        for (const [at, each] of columns.entries()) {
          expect(each.x).toBeGreaterThanOrEqual(at ? (columns[at - 1]?.x ?? 0) + 150 : 0);
          expect(each.x + each.width).toBeLessThanOrEqual(width);
        }
      }
    }
  });
});

describe("the widest part", () => {
  it("gives what narrow ones lack, and no other", () => {
    const counts = { ...NONE, satisfied: 100, expired: 800, cancelled: 1, not_offered: 100 };
    const [satisfied, expired, cancelled, not_offered] = placed(counts, 400).map(({ width }) => width);
    const share = 376 / 1001; // three gaps of 8 between four groups
    expect(satisfied).toBeCloseTo(100 * share);
    expect(not_offered).toBeCloseTo(100 * share);
    expect(cancelled).toBe(4);
    expect(expired).toBeCloseTo(800 * share - (4 - share));
  });
});

describe("the key", () => {
  const drawn = (counts: PartCounts, width: number) => {
    const bar = placed(counts, width);
    return keyColumns(bar, width, 150).map((column, at) => {
      const parts: readonly string[] = GROUPS[at]?.parts ?? [];
      const group = bar.filter(({ part }) => parts.includes(part));
      const [left, last] = [group[0]?.x ?? 0, group.at(-1)];
      return { ...column, left, right: last ? last.x + last.width : 0, isThere: last !== undefined };
    });
  };

  it("leads from the middle of each group to its column where that is not below it, one line under the other", () => {
    let bent = 0;
    for (const counts of [
      COUNTS,
      { ...COUNTS, undeliverable: 0, cancelled: 0 },
      { ...NONE, not_offered: 9, pending: 1 },
    ]) {
      for (const width of [960, 1376]) {
        const levels: number[] = [];
        for (const { x, left, right, isThere, elbow } of drawn(counts, width)) {
          if (!isThere) {
            expect(elbow).toBe("");
          } else if (x + 4 >= left && x + 4 <= right) {
            expect(elbow).toBe(`M${x + 4.5} 0V26`);
          } else {
            const level = [7, 13, 19][levels.length] ?? 19;
            const middle = Math.round((left + right) / 2) + 0.5;
            expect(elbow).toBe(`M${middle} 0V${level}.5H${Math.round(x) + 4.5}V26`);
            levels.push(level);
          }
        }
        bent += levels.length;
      }
    }
    expect(bent).toBeGreaterThan(5);
  });

  it("stands below its groups where there is room, the columns apart, none wider than it is read", () => {
    const [rated, noAnswer, open] = drawn({ ...NONE, satisfied: 50, expired: 40, not_offered: 10 }, 1376);
    expect([rated?.x, noAnswer?.x, open?.x]).toEqual([0, noAnswer?.left, (noAnswer?.left ?? 0) + 150]);
    expect([rated?.width, noAnswer?.width]).toEqual([160, 134]);
    expect(drawn(COUNTS, 1376).at(-1)?.width).toBeLessThanOrEqual(176);
  });
});

describe("the sum", () => {
  const read = { ...COUNTS, given: 412, closed: 1214 } as unknown as Summary;

  it("is of all states, and says so when it isn’t", () => {
    expect(addsUp(read)).toBe(true);
    for (const wrong of [{ closed: 1213 }, { given: 411 }, { undecided: 0 }, { undeliverable: 8 }])
      expect(addsUp({ ...read, ...wrong })).toBe(false);
  });

  it("has as unsatisfied who answered and isn’t satisfied", () => {
    expect(partCounts(read)).toEqual(COUNTS);
  });
});

const review = (dialog: string, closed_at: string, state = "pending") =>
  ({ dialog, close_seq: 1, closed_at, state }) as Review;

describe("the list", () => {
  const shown = { rows: [review("b", "2"), review("a", "1")], newer: [], next: null };

  it("keeps rows where they are, in their present state, and holds newer ones back", () => {
    const now = merged(shown, [review("c", "3"), review("b", "2"), review("a", "1", "given")], null);
    expect(now.rows.map((each) => [each.dialog, each.state])).toEqual([
      ["b", "pending"],
      ["a", "given"],
    ]);
    expect(now.newer.map((each) => each.dialog)).toEqual(["c"]);
  });

  it("drops what no longer matches, and keeps what lies beyond the page that was read", () => {
    expect(merged(shown, [review("b", "2")], null).rows.map((each) => each.dialog)).toEqual(["b"]);
    expect(merged(shown, [review("b", "2")], "more").rows.map((each) => each.dialog)).toEqual(["b", "a"]);
  });

  it("goes on after its last row, and never shows one twice", () => {
    const long = { ...shown, next: "after a" };
    expect(merged(long, [review("c", "3"), review("b", "2")], "after b")).toMatchObject({
      rows: [{ dialog: "b" }, { dialog: "a" }],
      newer: [{ dialog: "c" }],
      next: "after a",
    });
    const all = [review("b", "2"), review("a", "1"), review("0", "0")];
    expect(merged(long, all, "after 0").next).toBe("after 0");
    expect(merged(long, [review("b", "2")], null).next).toBeNull();
  });

  it("is in the order of the ratings by that axis", () => {
    const rated = (dialog: string, given_at: string) => ({ ...review(dialog, "0", "given"), given_at });
    const before = { rows: [rated("b", "2"), rated("a", "1")], newer: [], next: null };
    const now = merged(before, [rated("c", "3"), rated("b", "2")], "more", "rated_at");
    expect([now.rows, now.newer].map((some) => some.map((each) => each.dialog))).toEqual([["b", "a"], ["c"]]);
  });

  it("shows at once what comes into an empty list", () => {
    const empty = { rows: [], newer: [], next: null };
    expect(merged(empty, [review("a", "1")], null).rows).toHaveLength(1);
  });

  it("asks the API for parts as states and answers", () => {
    const now = defaults("UTC");
    expect(listFilterOf({ ...now, state: ["unsatisfied"] })).toEqual({ state: ["given"], satisfied: false });
    expect(listFilterOf({ ...now, state: ["satisfied"] })).toEqual({ state: ["given"], satisfied: true });
    expect(listFilterOf({ ...now, state: ["satisfied", "unsatisfied"] })).toEqual({ state: ["given"] });
    expect(listFilterOf({ ...now, state: ["expired"], comment: true })).toEqual({
      state: ["expired"],
      with_comment: true,
    });
  });
});

describe("what is counted", () => {
  const at = new Date("2026-11-22T18:20:00Z");

  it("is asked for with every filter of the address, by days of its zone", () => {
    const now = { ...defaults("Asia/Kathmandu"), channel: ["a", "b"], operator: ["ann"], nobody: true };
    expect(filterOf(now, at)).toEqual({
      from: "2026-10-27",
      to: "2026-11-24",
      tz: "Asia/Kathmandu",
      channel: ["a", "b"],
      operator: ["ann"],
      team: [],
      tag: [],
      locale: [],
      nobody: true,
    });
    expect(filterOf(defaults("UTC"), at)).toMatchObject({ to: "2026-11-23", channel: [], operator: [] });
    expect(filterOf(defaults("UTC"), at)).not.toHaveProperty("nobody");
  });

  it("is asked for by the time of the rating, by teams, tags and languages", () => {
    const now = {
      ...defaults("UTC"),
      axis: "rated_at" as const,
      team: ["a"],
      tag: ["x", "y"],
      locale: ["fr"],
    };
    expect(filterOf(now, at)).toMatchObject({
      axis: "rated_at",
      team: ["a"],
      tag: ["x", "y"],
      locale: ["fr"],
    });
    expect(filterOf(defaults("UTC"), at)).not.toHaveProperty("axis");
  });

  it("offers the words of the reviews that were read, also when later ones lack them", () => {
    const some = { ...review("a", "1"), team: "b", tags: ["x"], locale: "fr" } as Review;
    const nothing = { ...review("b", "1"), team: null, tags: [] as string[], locale: null } as Review;
    const first = withWords({ team: [], tag: [], locale: [] }, [some, { ...some, team: "a" }]);
    expect(first).toEqual({ team: ["a", "b"], tag: ["x"], locale: ["fr"] });
    expect(withWords(first, [nothing])).toEqual(first);
  });

  it("has scores of one scale in the list", () => {
    const now = { ...defaults("UTC"), score: [1, 2], scale: "stars:1:5" };
    expect(listFilterOf(now)).toEqual({ state: [], score: [1, 2], scale: "stars:1:5" });
  });

  it("is searched for the same words in the list and in its file", () => {
    expect(listFilterOf({ ...defaults("UTC"), q: "refund" })).toEqual({ state: [], text: "refund" });
  });
});

import { describe, expect, it } from "vitest";
import { defaults } from "./address.ts";
import { filterOf, listFilterOf, merged, type Review, withWords } from "./data.ts";
import { keyColumns, type PartCounts, placed } from "./shape.ts";

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

import { Problem } from "@candor/ui/problems.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { someSettings } from "./builders.ts";
import { byReason, DryRuns, shares } from "./dry-run.ts";
import type { DryRun, Settings } from "./settings.ts";

function aRun(asked: number, ...reasons: DryRun["not_asked"][number]["reason"][]): DryRun {
  const not_asked = reasons.map((reason, at) => ({
    dialog: `d${at}`,
    close_seq: 1,
    closed_at: "2026-11-27T09:00:00Z",
    reason,
  }));
  return { closes: asked + reasons.length, asked, asked_as_saved: 2, not_asked };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("settings are tried once they stand still, and only the last of them", async () => {
  const tried: Settings[] = [];
  const runs = new DryRuns(async (settings) => {
    tried.push(settings);
    return aRun(settings.cool_down);
  });
  runs.changed(someSettings({ cool_down: 1 }));
  await vi.advanceTimersByTimeAsync(399);
  runs.changed(someSettings({ cool_down: 2 }));
  expect([runs.computing.value, runs.found.value]).toEqual([true, null]);
  await vi.advanceTimersByTimeAsync(400);
  expect(tried.map(({ cool_down }) => cool_down)).toEqual([2]);
  expect([runs.computing.value, runs.found.value?.asked]).toEqual([false, 2]);
});

test("an answer that comes after a later question is dropped, and the old one stays meanwhile", async () => {
  const answers: ((run: DryRun) => void)[] = [];
  const runs = new DryRuns(() => new Promise((resolve) => answers.push(resolve)));
  runs.changed(someSettings());
  await vi.advanceTimersByTimeAsync(400);
  runs.changed(someSettings({ cool_down: 1 }));
  answers[0]?.(aRun(7));
  await vi.advanceTimersByTimeAsync(400);
  expect([runs.computing.value, runs.found.value]).toEqual([true, null]);
  answers[1]?.(aRun(8));
  await vi.advanceTimersByTimeAsync(0);
  expect([runs.computing.value, runs.found.value?.asked]).toEqual([false, 8]);
});

test("once it is stopped nothing is asked, and what comes is dropped", async () => {
  const responses: ((run: DryRun) => void)[] = [];
  const runs = new DryRuns(() => new Promise((resolve) => responses.push(resolve)));
  runs.changed(someSettings());
  await vi.advanceTimersByTimeAsync(400);
  runs.changed(someSettings({ cool_down: 1 }));
  runs.stop();
  await vi.advanceTimersByTimeAsync(400);
  expect(responses).toHaveLength(1);
  responses[0]?.(aRun(7));
  await vi.advanceTimersByTimeAsync(0);
  expect(runs.found.value).toBeNull();
});

test("what fails is said, and the next that succeeds takes its place", async () => {
  let fails = true;
  const runs = new DryRuns(async () => {
    if (fails) throw new Problem("unavailable", 503, {});
    return aRun(1);
  });
  runs.changed(someSettings());
  await vi.advanceTimersByTimeAsync(400);
  expect(runs.failure.value).not.toBeNull();
  fails = false;
  runs.changed(someSettings());
  await vi.advanceTimersByTimeAsync(400);
  expect([runs.failure.value, runs.found.value?.asked]).toEqual([null, 1]);
});

test("reasons come with their closes, the most frequent first, and add up to those that are not asked", () => {
  const run = aRun(1, "spam", "too_short", "too_short");
  const reasons = byReason(run);
  expect(reasons.map(({ reason, closes }) => [reason, closes.length])).toEqual([
    ["too_short", 2],
    ["spam", 1],
  ]);
  expect(run.asked + reasons.reduce((sum, { closes }) => sum + closes.length, 0)).toBe(run.closes);
});

test("the strip shows what is asked either way, and the difference", () => {
  expect(shares(aRun(3, "spam"))).toEqual({ both: 50, differs: 25 });
  expect(shares(aRun(1, "spam", "spam", "spam"))).toEqual({ both: 25, differs: 25 });
  expect(shares({ closes: 0, asked: 0, asked_as_saved: 0, not_asked: [] })).toEqual({ both: 0, differs: 0 });
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NOW } from "./builders.ts";
import { now, setBy, tick, tickUntil } from "./clock.ts";

/** A response that a service made so many milliseconds after what this machine takes for now. */
const after = (ms: number): Response =>
  new Response(null, { headers: { Date: new Date(Date.now() + ms).toUTCString() } });
const at = (ms: number): Date => new Date(NOW.getTime() + ms);

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  setBy(after(0));
});
afterEach(() => vi.useRealTimers());

test("the time is the service's, as far as its header tells", () => {
  setBy(after(3_600_000));
  expect(now.value).toEqual(at(3_600_000));
  vi.setSystemTime(at(5_000));
  tick();
  expect(now.value).toEqual(at(3_605_000));
  setBy(new Response());
  expect(now.value).toEqual(at(3_605_000));
  setBy(after(-2_000));
  expect(now.value).toEqual(at(3_000));
  setBy(after(-1_000));
  expect(now.value).toEqual(at(5_000));
});

test("it goes on minute by minute until it is stopped", () => {
  const stop = tickUntil(null);
  vi.advanceTimersByTime(59_999);
  expect(now.value).toEqual(NOW);
  vi.advanceTimersByTime(1);
  expect(now.value).toEqual(at(60_000));
  stop();
  expect(vi.getTimerCount()).toBe(0);
});

test.each([20_000, 90_000, 15 * 60_000])("an end in %i ms is seen as soon as it has come", (ms) => {
  const stop = tickUntil(at(ms));
  vi.advanceTimersByTime(ms - 1);
  expect(now.value < at(ms)).toBe(true);
  vi.advanceTimersByTime(100);
  expect(now.value >= at(ms)).toBe(true);
  stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("an end that is further than a timer reaches is no end yet", () => {
  const stop = tickUntil(at(60 * 86_400_000));
  vi.advanceTimersByTime(1_000);
  expect(now.value).toEqual(NOW);
  stop();
});

import { afterEach, expect, test } from "vitest";
import { learn, waited } from "./waiting.ts";

const SINCE = "2026-11-23T09:00:00Z";
const after = (seconds: number): number => Date.parse(SINCE) + seconds * 1000;

afterEach(() => learn(new Date(after(0)).toUTCString(), after(0)));

test.each([
  [-3, 0],
  [0.9, 0],
  [59, 59],
  [60, 60],
  [64.9, 60],
  [65, 65],
  [3601, 3600],
])("after %s s it says %s: each second to a minute, then in steps of five", (passed, shown) => {
  expect(waited(SINCE, after(passed))).toBe(shown);
});

test("the service's clock counts, where this machine's goes wrong by more than the header can tell", () => {
  learn(new Date(after(100)).toUTCString(), after(70));
  expect(waited(SINCE, after(70))).toBe(100);
  learn(new Date(after(71)).toUTCString(), after(70));
  expect(waited(SINCE, after(70))).toBe(70);
  learn(null, after(0));
  expect(waited(SINCE, after(70))).toBe(70);
});

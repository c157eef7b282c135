import { expect, test } from "vitest";
import { coalesced } from "./coalesced.ts";

test("calls while it runs make it run once more, and all end with that", async () => {
  const open: (() => void)[] = [];
  let runs = 0;
  const run = coalesced(() => {
    runs += 1;
    return new Promise((resolve) => open.push(resolve));
  });
  const calls = Promise.all([run(), run(), run()]);
  open.shift()?.();
  await new Promise(setImmediate);
  expect(runs).toBe(2);
  open.shift()?.();
  await calls;
  void run();
  expect(runs).toBe(3);
});

test("after a failure it runs again", async () => {
  let runs = 0;
  const run = coalesced(async () => {
    runs += 1;
    if (runs === 1) throw new Error("no");
  });
  await expect(run()).rejects.toThrow("no");
  await run();
  expect(runs).toBe(2);
});

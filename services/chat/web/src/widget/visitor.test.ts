import { Problem } from "@candor/ui/problems.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { memory } from "./memory.ts";
import { storage } from "./storage.fake.ts";
import { Visitor } from "./visitor.ts";

const DAY = 86_400_000;

let tokens = 0;
beforeEach(() => {
  tokens = 0;
});

/** A visitor whose tokens are numbered and good for ten days; `clock.now` is the time by a clock that is a year wrong. */
function visiting(area: Storage, renew?: () => Promise<never>) {
  const clock = { now: Date.parse("2026-11-01T00:00:00Z") };
  const given = async () => {
    tokens += 1;
    const iat = (clock.now - 365 * DAY) / 1000;
    const token = `${btoa("{}")}.${btoa(JSON.stringify({ iat, exp: iat + (10 * DAY) / 1000 }))}.t${tokens}`;
    return { token, client: `c${tokens}`, expires_at: new Date(clock.now - 355 * DAY).toISOString() };
  };
  const calls = { admit: given, renew: renew ?? given };
  return {
    clock,
    visitor: new Visitor(
      memory("a.", () => area),
      calls,
      () => clock.now,
    ),
  };
}

/** The number of the visitor's token. */
async function numbered(visitor: Visitor, again?: boolean): Promise<string | undefined> {
  return (await visitor.token(again))?.split(".").at(-1);
}

describe("a visitor", () => {
  test("is made when first needed, once, and found again after a reload", async () => {
    const area = storage();
    const { visitor } = visiting(area);
    expect([visitor.client, await visitor.token()]).toEqual([null, null]);
    await Promise.all([visitor.admitted(), visitor.admitted()]);
    expect(await numbered(visiting(area).visitor)).toBe("t1");
  });

  test("gets another token in the second half of the time of the last, and when that was refused", async () => {
    const { clock, visitor } = visiting(storage());
    await visitor.admitted();
    clock.now += 4 * DAY;
    expect(await numbered(visitor)).toBe("t1");
    clock.now += 2 * DAY;
    expect(await numbered(visitor)).toBe("t2");
    expect(await numbered(visitor, true)).toBe("t3");
  });

  test("is who another tab has made meanwhile", async () => {
    const area = storage();
    const [one, other] = [visiting(area), visiting(area)];
    const [first, second] = await Promise.all([one.visitor.admitted(), other.visitor.admitted()]);
    expect(first).toBe(second);
    expect(await one.visitor.token()).toBe(await other.visitor.token());
  });

  test("goes on with the last token when there is no other", async () => {
    const { clock, visitor } = visiting(storage(), () => Promise.reject(new Problem("offline")));
    await visitor.admitted();
    clock.now += 6 * DAY;
    expect(await numbered(visitor)).toBe("t1");
  });
});

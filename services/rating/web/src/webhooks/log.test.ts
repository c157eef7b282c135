import { Problem } from "@candor/ui/problems.ts";
import { beforeEach, expect, test, vi } from "vitest";
import { aDelivery } from "./builders.ts";
import type { Service } from "./calls.ts";
import { DeliveryLog } from "./log.ts";
import type { Delivery } from "./webhook.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });

let stored: Delivery[];
let deliveries: ReturnType<typeof vi.fn<Service["deliveries"]>>;
let redelivery: ReturnType<typeof vi.fn<Service["redeliver"]>>;

const service = (): Service =>
  ({
    deliveries,
    redeliver: redelivery,
    redeliverFailed: async () => {
      const failed = stored.filter(({ state }) => state === "failed").length;
      stored = stored.map((each) => ({ ...each, state: "waiting" }));
      return failed;
    },
  }) as unknown as Service;

beforeEach(() => {
  redelivery = vi.fn<Service["redeliver"]>(async (_, delivery) => {
    stored = stored.map((each) => (each.delivery === delivery ? { ...each, state: "waiting" } : each));
    return aDelivery(1, { state: "waiting" });
  });
  stored = Array.from({ length: 45 }, (_, number) => aDelivery(number));
  deliveries = vi.fn<Service["deliveries"]>(async (_, state, cursor, limit) => {
    const from = Number(cursor ?? 0);
    const found = stored.filter((each) => state === null || each.state === state);
    const more = found.length > from + limit;
    return { deliveries: found.slice(from, from + limit), next_cursor: more ? String(from + limit) : null };
  });
});

const shown = (log: DeliveryLog) => log.deliveries.value?.length;

test("older ones come page by page, and another look keeps them", async () => {
  const log = new DeliveryLog("crm", service());
  await log.load();
  expect(log.more.value).toBe(true);
  await log.older();
  expect(shown(log)).toBe(40);
  stored = [aDelivery(99), ...stored];
  await log.load();
  expect([shown(log), log.deliveries.value?.[0]?.dialog]).toEqual([40, "d99"]);
  await log.older();
  expect([shown(log), log.more.value]).toEqual([46, false]);
  const asked = deliveries.mock.calls.length;
  await log.older();
  expect(deliveries).toHaveBeenCalledTimes(asked);
});

test("a filter that was left behind shows nothing of what it found", async () => {
  const log = new DeliveryLog("crm", service());
  stored = [aDelivery(1, { state: "failed" }), ...stored];
  let late: (() => void) | undefined;
  deliveries.mockImplementationOnce(
    () => new Promise((done) => (late = () => done({ deliveries: stored, next_cursor: null }))),
  );
  const first = log.load();
  await log.choose("failed");
  late?.();
  await first;
  expect(shown(log)).toBe(1);
});

test("a failure that was left behind is not told", async () => {
  const log = new DeliveryLog("crm", service());
  let fails: (() => void) | undefined;
  deliveries.mockImplementationOnce(
    () => new Promise((_, fail) => (fails = () => fail(new Problem("offline")))),
  );
  const first = log.load();
  await log.choose("delivered");
  fails?.();
  await first;
  expect([log.failure.value, shown(log)]).toEqual([null, 20]);
});

test("what could not be sent again is told", async () => {
  const log = new DeliveryLog("crm", service());
  stored = [aDelivery(1, { state: "failed" })];
  await log.load();
  redelivery.mockRejectedValueOnce(new Problem("no-such-delivery", 404));
  await log.redeliver("crm/rating:d1:3");
  expect([log.failure.value?.code, shown(log)]).toEqual(["no-such-delivery", 1]);
});

test("what is sent again waits, and is looked at again", async () => {
  const log = new DeliveryLog("crm", service());
  stored = [aDelivery(1, { state: "failed" }), aDelivery(2, { state: "failed" })];
  await log.load();
  await log.redeliver("crm/rating:d1:3");
  expect(log.deliveries.value?.map(({ state }) => state)).toEqual(["waiting", "failed"]);
  await log.redeliverFailed();
  expect(log.redelivered.value).toBe(1);
});

test("what is due soon is worth another look, what is due in an hour isn't", async () => {
  const log = new DeliveryLog("crm", service());
  const due = (due_at: string) => [aDelivery(1, { state: "waiting", due_at })];
  const now = Date.parse("2026-11-26T08:40:00Z");
  expect(log.isDue(now)).toBe(false);
  stored = due("2026-11-26T08:40:05Z");
  await log.load();
  expect(log.isDue(now)).toBe(true);
  stored = due("2026-11-26T09:40:05Z");
  await log.load();
  expect(log.isDue(now)).toBe(false);
});

test("what was read stays when another look fails", async () => {
  const log = new DeliveryLog("crm", service());
  await log.load();
  deliveries.mockRejectedValueOnce(new Problem("offline"));
  await log.load();
  expect([shown(log), log.failure.value?.code]).toEqual([20, "offline"]);
});

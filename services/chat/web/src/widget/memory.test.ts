import { describe, expect, test } from "vitest";
import { memory } from "./memory.ts";
import { storage } from "./storage.fake.ts";

describe("a memory", () => {
  test("keeps under its own prefix what another of the same prefix finds", () => {
    const area = storage();
    memory("candor.a.", () => area).set("x.1", "one");
    memory("candor.b.", () => area).set("x.1", "other");
    const later = memory("candor.a.", () => area);
    expect([later.lasting, later.get("x.1"), later.names("x.")]).toEqual([true, "one", ["x.1"]]);
    later.set("x.1", null);
    expect([later.get("x.1"), area.length]).toEqual([null, 1]);
  });

  test("holds by itself what a blocked storage does not keep", () => {
    const blocked = memory("candor.a.", () => {
      throw new DOMException("blocked", "SecurityError");
    });
    blocked.set("x.1", "one");
    expect([blocked.lasting, blocked.get("x.1"), blocked.names("x.")]).toEqual([false, "one", ["x.1"]]);
  });

  test("gives what was set last when the storage is full", () => {
    const area = storage();
    const kept = memory("candor.a.", () => area);
    kept.set("x", "before");
    area.full = true;
    kept.set("x", "now");
    expect(kept.get("x")).toBe("now");
    const later = memory("candor.a.", () => area);
    expect([later.lasting, later.get("x")]).toEqual([false, "before"]);
    area.full = false;
    kept.set("x", "later");
    expect(area.getItem("candor.a.x")).toBe("later");
  });
});

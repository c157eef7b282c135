import { beforeEach, describe, expect, test } from "vitest";
import { KeptTexts, NOTHING_KEPT } from "./kept.ts";

class Stored implements Storage {
  private readonly texts = new Map<string, string>();
  full = false;

  get length(): number {
    return this.texts.size;
  }
  key(at: number): string | null {
    return [...this.texts.keys()][at] ?? null;
  }
  getItem(key: string): string | null {
    return this.texts.get(key) ?? null;
  }
  setItem(key: string, text: string): void {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this.texts.set(key, text);
  }
  removeItem(key: string): void {
    this.texts.delete(key);
  }
  clear(): void {
    this.texts.clear();
  }
}

const UNSENT = [{ message: "m-1", text: "Hello" }];
let storage: Stored;

beforeEach(() => {
  storage = new Stored();
});

describe("what was typed", () => {
  test("is there after a reload, drafts and unsent messages", () => {
    new KeptTexts("mira", storage).keep("d", { draft: "And", unsent: UNSENT });
    expect(new KeptTexts("mira", storage).of("d")).toEqual({ draft: "And", unsent: UNSENT });
  });

  test("is nobody else's", () => {
    new KeptTexts("mira", storage).keep("d", { draft: "And", unsent: [] });
    expect(new KeptTexts("ann", storage).of("d")).toBe(NOTHING_KEPT);
  });

  test("leaves nothing behind once it was sent", () => {
    const kept = new KeptTexts("mira", storage);
    kept.keep("d", { draft: "And", unsent: [] });
    kept.keep("d", NOTHING_KEPT);
    expect(storage.length).toBe(0);
    expect(kept.all.value.size).toBe(0);
  });

  test("stays on the page where the browser keeps nothing", () => {
    storage.full = true;
    const kept = new KeptTexts("mira", storage);
    kept.keep("d", { draft: "And", unsent: [] });
    expect(kept.of("d").draft).toBe("And");
    expect(new KeptTexts("mira", null).of("d")).toBe(NOTHING_KEPT);
  });

  test("is heard of by other tabs", () => {
    const [here, there] = [new KeptTexts("mira", storage), new KeptTexts("mira", storage)];
    here.keep("d", { draft: "And", unsent: [] });
    const key = storage.key(0);
    there.heard({ key, newValue: storage.getItem(key ?? "") });
    expect(there.of("d").draft).toBe("And");
    there.heard({ key, newValue: null });
    expect(there.of("d")).toBe(NOTHING_KEPT);
    there.heard({ key: "candor.locale", newValue: "fr" });
  });

  test("is forgotten after 30 days, and when it can't be understood", () => {
    const long = { draft: "And", unsent: [], at: Date.now() - 31 * 24 * 3600_000 };
    storage.setItem("candor.console mira old", JSON.stringify(long));
    storage.setItem("candor.console mira odd", "{");
    expect(new KeptTexts("mira", storage).all.value.size).toBe(0);
    expect(storage.length).toBe(0);
  });
});

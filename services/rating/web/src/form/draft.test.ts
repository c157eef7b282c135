import { expect, test } from "vitest";
import { type Draft, draftsIn, EMPTY } from "./draft.ts";

const DRAFT: Draft = { score: 2, comment: "Slow", tags: ["slow"], followUps: { solved: "no" }, due: true };

function aStorage(): Storage & { kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
    key: (at) => [...kept.keys()][at] ?? null,
    get length() {
      return kept.size;
    },
  };
}

test("a draft is kept whole, by its form, until it is removed", () => {
  const storage = aStorage();
  const drafts = draftsIn(() => storage);
  drafts.write("d1.1", DRAFT);
  drafts.write("d2.1", { ...EMPTY, score: 5 });
  expect(drafts.read("d1.1")).toEqual(DRAFT);
  expect(drafts.read("d2.1")).toEqual({ ...EMPTY, score: 5, due: false });
  expect([...storage.kept.keys()]).toEqual(["candor.form.d1.1", "candor.form.d2.1"]);
  drafts.write("d1.1", null);
  expect(drafts.read("d1.1")).toBeNull();
  expect(storage.length).toBe(1);
});

test("a browser that keeps nothing has no draft, and breaks nothing", () => {
  const drafts = draftsIn(() => {
    throw new DOMException("Access is denied", "SecurityError");
  });
  drafts.write("d1.1", DRAFT);
  drafts.write("d1.1", null);
  expect(drafts.read("d1.1")).toBeNull();
});

test.each(["", "{", "null", "7", '"text"'])("%j is no draft", (text) => {
  const storage = aStorage();
  storage.setItem("candor.form.d1.1", text);
  expect(draftsIn(() => storage).read("d1.1")).toBeNull();
});

test("of what another version has kept only what is of the right kind is taken", () => {
  const read = (value: unknown): Draft | null => {
    const storage = aStorage();
    storage.setItem("candor.form.d1.1", JSON.stringify(value));
    return draftsIn(() => storage).read("d1.1");
  };
  const empty = { ...EMPTY, due: false };
  expect(read({})).toEqual(empty);
  expect(read({ score: "5", comment: 7, tags: "slow", followUps: { solved: 1 }, due: "yes" })).toEqual(empty);
  expect(read({ tags: ["slow", 1], followUps: { solved: "no", missing: null } })).toEqual({
    ...empty,
    tags: ["slow"],
    followUps: { solved: "no" },
  });
});

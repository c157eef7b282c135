import { describe, expect, it } from "vitest";
import { textsOf } from "./answered.tsx";
import type { CloseStory } from "./close-story.ts";

const solved = { id: "solved", text: "Was the matter solved?", options: [{ id: "yes", text: "Yes" }] };
const missing = { id: "missing", text: "What was missing?", options: [] };
const texts = {
  locale: "en",
  question: "How was it?",
  tags: [{ id: "slow", text: "Slow", lowest: 1, highest: 3 }],
  follow_ups: [solved, missing],
};
const told = textsOf({ texts } as unknown as CloseStory);
const chosen = (...options: string[]) => ({ options, text: null });

describe("texts of a form", () => {
  it("are those of tags, questions and their own options", () => {
    expect([told.tag("slow"), told.question("solved")]).toEqual(["Slow", "Was the matter solved?"]);
    expect(told.options("solved", ["yes"])).toBe("Yes");
    expect(told.options("missing", ["yes"])).toBe("yes");
  });

  it("are ids where there is none", () => {
    expect([told.tag("gone"), told.question("gone")]).toEqual(["gone", "gone"]);
    expect(told.options("solved", ["yes", "gone"])).toBe("Yes, gone");
    const unread = textsOf(null);
    expect([unread.tag("slow"), unread.question("solved")]).toEqual(["slow", "solved"]);
  });

  it("come in the order of the form, unknown ones last", () => {
    const given = { gone: chosen("a"), missing: chosen(), solved: chosen("yes") };
    expect(told.inOrder(given).map(([id]) => id)).toEqual(["solved", "missing", "gone"]);
    expect(textsOf(null).inOrder(given)[0]?.[0]).toBe("gone");
  });
});

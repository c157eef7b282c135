import { expect, test } from "vitest";
import { aForm, NOW } from "./builders.ts";
import { canChange, endOf, lengthOf, momentOf, needsComment, scores, tagsWith } from "./form.ts";
import { inItsDirection } from "./parts.tsx";
import { toldBy } from "./widget.ts";

const LATER = "2026-11-26T09:15:00Z";

test.each([
  [{}, "question"],
  [{ expires_at: NOW.toISOString() }, "expired"],
  [{ expires_at: null }, "erased"],
  [{ state: "expired", expires_at: null }, "expired"],
  [{ state: "declined" }, "declined"],
  [{ state: "declined", expires_at: NOW.toISOString() }, "expired"],
  [{ state: "declined", expires_at: null }, "erased"],
  [{ state: "given", editable_until: LATER }, "thanks"],
  [{ state: "cancelled", cancelled_reason: "reopened" }, "withdrawn"],
  [{ state: "cancelled", cancelled_reason: "erased" }, "erased"],
] as const)("a form %o is at the moment %s", (part, moment) => {
  expect(momentOf(aForm(part), NOW, false)).toBe(moment);
});

test("an answer is opened again as long as it can be changed", () => {
  const given = aForm({ state: "given", editable_until: LATER });
  expect(momentOf(given, NOW, true)).toBe("question");
  expect(momentOf(given, new Date(LATER), true)).toBe("thanks");
  expect(canChange(given, new Date(LATER))).toBe(false);
  expect(endOf(given, NOW)).toEqual(new Date(LATER));
});

test("who declined can think better of it until the expiry", () => {
  expect(momentOf(aForm({ state: "declined" }), NOW, true)).toBe("question");
  expect(momentOf(aForm({ state: "declined", expires_at: NOW.toISOString() }), NOW, true)).toBe("expired");
});

test("words are needed up to the score that the channel has set, 0 included", () => {
  const points = { name: "points", lowest: 0, highest: 10 };
  const form = aForm({
    scale: points,
    comment: { mode: "required", required_at_or_below: 0, max_length: 9 },
  });
  expect([0, 1].map((score) => needsComment(form, score))).toEqual([true, false]);
  expect(needsComment(aForm({ comment: { ...form.comment, mode: "optional" } }), 0)).toBe(false);
  expect(scores(form)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(scores(aForm())).toEqual([1, 2, 3, 4, 5]);
});

test("a reason is offered with the scores of its range, both ends included", () => {
  const form = aForm({ tags: [{ id: "slow", text: "slow", lowest: 2, highest: 3 }] });
  expect(scores(form).map((score) => tagsWith(form, score).length)).toEqual([0, 1, 1, 0, 0]);
});

test("what is shown ends with the time to answer, or to change the answer; else it stays", () => {
  expect(endOf(aForm(), NOW)).toEqual(new Date("2026-11-29T09:00:00Z"));
  expect(endOf(aForm({ expires_at: NOW.toISOString() }), NOW)).toBeNull();
  expect(endOf(aForm({ state: "given", editable_until: null }), NOW)).toBeNull();
});

test("a length counts characters and not their halves", () => {
  expect(lengthOf("👍🏽é")).toBe(3);
});

test("only what has the shape of the widget's message is one", () => {
  const whole = { candor: "form", token: "t", dialog: "d1", locale: "fr", theme: "dark" };
  expect(toldBy(whole)).toEqual({ token: "t", dialog: "d1", locale: "fr", theme: "dark" });
  expect(toldBy({ candor: "form", token: "t", theme: "pink", dialog: 7 })).toEqual({
    token: "t",
    dialog: null,
    locale: null,
    theme: null,
  });
  expect(toldBy({ ...whole, theme: "light" })?.theme).toBe("light");
  for (const other of [
    null,
    undefined,
    "form",
    {},
    { ...whole, token: 7 },
    { ...whole, candor: "widget" },
    { ...whole, token: "" },
  ]) {
    expect(toldBy(other)).toBeNull();
  }
});

test("a text that is not in the form's language is written in its own direction", () => {
  const arabic = aForm({ locale: "ar", direction: "rtl" });
  expect(inItsDirection(arabic, "What should we do?")).toEqual({ dir: "ltr" });
  expect(inItsDirection(arabic, "Northbank: هل حُلّت المسألة؟")).toEqual({ lang: "ar", dir: "rtl" });
  expect(inItsDirection(aForm({ locale: "en", direction: "ltr" }), "ודאי")).toEqual({ dir: "rtl" });
});

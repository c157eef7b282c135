import { load } from "@candor/ui/i18n.ts";
import { beforeAll, expect, test, vi } from "vitest";
import { type Rule, sentencesOf } from "./rule-sentences.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });
beforeAll(() => load("en"));

const time = (at: string): string => at;

function said(
  name: Rule["name"],
  verdict: "passed" | "failed",
  demanded: Rule["demanded"],
  found: Rule["found"],
): string[] {
  return sentencesOf({ name, verdict, demanded, found }, time).map(
    ({ text, fails }) => `${fails ? "✗" : "✓"} ${text}`,
  );
}

test("of what is too short each part that is demanded stands by itself, and only what was lacking has failed", () => {
  const demanded = { least_client_messages: 2, least_operator_messages: 0, least_text: 10 };
  const found = { client_messages: 1, operator_messages: 3, longest_text: 40 };
  expect(said("too_short", "failed", demanded, found)).toEqual([
    "✗ Client’s messages: 1, at least 2 asked for",
    "✓ Client’s longest message: 40 characters, at least 10 asked for",
  ]);
  expect(said("too_short", "passed", demanded, { ...found, client_messages: 2 })[0]).toMatch(
    /^✓ .*: 2, at least 2/,
  );
  const nothing = { least_client_messages: 0, least_operator_messages: 0, least_text: 0 };
  expect(said("too_short", "passed", nothing, found)).toEqual(["✓ Length: any will do"]);
});

test("who ended a dialog and what labels it has are two sentences, whatever the case of the labels", () => {
  const demanded = { closed_by: ["operator", "client"], skips_labels: ["Test"] };
  expect(said("kind_of_close", "failed", demanded, { closed_by: "idle", labels: [] })).toEqual([
    "✗ Ended by: idle time; asked about: the operator, the client",
    "✓ Labels: none; left out: Test",
  ]);
  expect(said("kind_of_close", "failed", demanded, { closed_by: null, labels: ["test", "vip"] })).toEqual([
    "✓ Ended by: not known; asked about: the operator, the client",
    "✗ Labels: test, vip; left out: Test",
  ]);
});

test("one label that is left out is enough, and where none is, none is spoken of", () => {
  const labelled = (skips_labels: string[], labels: string[]) =>
    said("kind_of_close", "passed", { closed_by: ["client"], skips_labels }, { closed_by: "client", labels });
  expect(labelled(["Test", "Old"], ["vip", "old"])[1]).toBe("✗ Labels: vip, old; left out: Test, Old");
  expect(labelled(["Test", "Old"], ["vip"])[1]).toBe("✓ Labels: vip; left out: Test, Old");
  expect(labelled([], ["vip"])).toEqual(["✓ Ended by: the client; asked about: the client"]);
});

test("a draw just under the share is not written as the share", () => {
  expect(said("sampled_out", "passed", { share: 50 }, { draw: 49.996 })).toEqual([
    "✓ Drawn: 49.9 of 100; 50% are asked, those under it",
  ]);
  expect(said("sampled_out", "passed", { share: 100 }, { draw: 3 })).toEqual(["✓ Share: all are asked"]);
});

test("a reason that was kept names the close it is from", () => {
  expect(said("spam", "failed", { skips_spam: true }, { resumes: 1 })).toEqual([
    "✗ Close 1 of this dialog was reopened, and nobody wrote: its reason is kept, spam",
  ]);
  for (const name of ["kind_of_close", "too_short"] as const)
    expect(said(name, "failed", { closed_by: [], least_text: 9 }, { resumes: 2, longest_text: 1 })).toEqual([
      expect.stringMatching(/^✗ Close 2 of this dialog was reopened.* is kept, (kind of close|too short)$/),
    ]);
});

test("the other rules, passed and failed", () => {
  const once = { reopened: "once_within", once_within: 2 * 86_400 };
  expect([
    ...said("spam", "passed", { skips_spam: false }, { spam: true }),
    ...said("no_reply", "failed", { needs_reply: true }, { operator_messages: 0 }),
    ...said("too_late", "failed", { offer_window: 86_400 }, { age: 90_000 }),
    ...said("once_per_dialog", "failed", once, { last_asked: "Monday" }),
    ...said("cool_down", "failed", { cool_down: 30 * 86_400 }, { cooling_down: true }),
    ...said("cool_down", "passed", { cool_down: 0 }, { cooling_down: false }),
    ...said("disabled", "failed", {}, { enabled: false }),
  ]).toEqual([
    "✓ Spam: yes, and spam is asked about too",
    "✗ Operators’ messages: 0, a reply is asked for",
    "✗ Known 25h after the close, in time within 1 day",
    "✗ Asked about this dialog before: Monday; again after 2 days",
    "✗ Cool-down: this client is asked something else within 30 days",
    "✓ Cool-down: none",
    "✗ Quality control: off",
  ]);
});

test("what was asked of the dialog before is told by the rule that holds", () => {
  const once = (reopened: string, last_asked: string | null) =>
    said("once_per_dialog", "passed", { reopened, once_within: 3_600 }, { last_asked })[0];
  expect([
    once("each_close", "Monday"),
    once("once_per_dialog", null),
    once("once_per_dialog", "Monday"),
    once("once_within", "Monday"),
  ]).toEqual([
    "✓ Each close of a dialog is asked about",
    "✓ Asked about this dialog before: no",
    "✓ Asked about this dialog before: Monday; once is all",
    "✓ Asked about this dialog before: Monday; again after 1h",
  ]);
});

test("a rule that nothing speaks against says so", () => {
  expect([
    ...said("spam", "passed", { skips_spam: true }, { spam: false }),
    ...said("spam", "failed", { skips_spam: true }, { spam: true }),
    ...said("no_reply", "passed", { needs_reply: false }, { operator_messages: 2 }),
    ...said("too_late", "passed", { offer_window: 86_400 }, { age: 0 }),
    ...said("reopened", "passed", {}, {}),
    ...said("erased", "failed", {}, {}),
    ...said("of_a_newer_release" as Rule["name"], "failed", {}, {}),
  ]).toEqual([
    "✓ Spam: no",
    "✗ Spam: yes, and spam is left out",
    "✓ Operators’ messages: 2, no reply is asked for",
    "✓ Known 0s after the close, in time within 1 day",
    "✓ Not reopened before rating knew of the close",
    "✗ The client’s data: erased",
    "✗ of_a_newer_release",
  ]);
});

test("that somebody has not opted out, and can be reached, does not read as its reverse", () => {
  const ways = { ways: ["widget", "email"] };
  expect([
    ...said("opted_out", "passed", ways, { ways: ["widget", "email"], opted_out: false }),
    ...said("opted_out", "passed", ways, { ways: ["widget"], opted_out: true }),
    ...said("opted_out", "failed", { ways: ["email"] }, { ways: [], opted_out: true }),
    ...said("unreachable", "passed", ways, { ways: ["widget", "webhook"] }),
    ...said("unreachable", "failed", ways, { ways: ["webhook"] }),
  ]).toEqual([
    "✓ Opted out of e-mails: no",
    "✓ Opted out of e-mails: yes, and another way is left",
    "✗ Opted out of e-mails: yes, and no other way is left",
    "✓ Can be reached: by the widget",
    "✗ Can be reached: no; the ways here: the widget, e-mail",
  ]);
});

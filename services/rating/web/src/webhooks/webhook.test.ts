import { load } from "@candor/ui/i18n.ts";
import { beforeAll, expect, test, vi } from "vitest";
import { aDelivery, aWebhook } from "./builders.ts";
import { outcomeText, outcomeTitle, reasonText, sentenceOf, valueText } from "./sentences.ts";
import { differences, draftOf, FIELDS, newDraft, rebased, withOwn, wrongBy, wrongIn } from "./webhook.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });
const NAMES = new Map([
  ["a", "Course *A*"],
  ["b", "Blog"],
]);
const draft = (part = {}) => ({ ...draftOf(aWebhook()), ...part });

beforeAll(() => load("en"));

test("what differs is named, whatever the order of what is chosen", () => {
  expect(
    differences(draft(), draft({ events: ["changed", "given"], url: " https://crm.example/candor " })),
  ).toEqual([]);
  expect(differences(draft(), draft({ channels: ["a"], enabled: false }))).toEqual(["channels", "enabled"]);
});

test("what two people changed, each elsewhere, is put together", () => {
  const mine = draft({ channels: ["a"] });
  expect(rebased(draft(), mine, draft({ enabled: false }))).toEqual(
    draft({ channels: ["a"], enabled: false }),
  );
});

test.each([
  ["crm.example", "url"],
  ["ftp://crm.example", "url"],
  ["httpsx://crm.example", "url"],
  ["https://ada:pw@crm.example", "url"],
  ["https://crm.example/#x", "url"],
  [`https://crm.example/${"x".repeat(2_000)}`, "url"],
])("%s is no address", (url, code) => {
  expect(wrongIn(draft({ url }), "crm")).toEqual({ url: code });
});

test("an address is http too, has room for blanks around it, and is long at most", () => {
  const longest = `http://crm.example/${"x".repeat(2_000)}`.slice(0, 2_000);
  for (const url of [longest, ` ${longest} `]) expect(wrongIn(draft({ url }), "crm")).toEqual({});
});

test("a limit is any score that a scale has, and no other number", () => {
  const wrong = [-1, 0, 10, 11, 1.5].filter(
    (score_at_or_below) => "score_at_or_below" in wrongIn(draft({ score_at_or_below }), "crm"),
  );
  expect(wrong).toEqual([-1, 11, 1.5]);
});

test("a new one is told of answers in all channels, and is on", () => {
  expect(sentenceOf(newDraft(), NAMES)).toBe(
    "*The other system* is told when a client *answers* or a client *changes an answer*, in *all channels*.",
  );
});

test("what the service would refuse is known before it is asked", () => {
  expect(wrongIn(draft(), "crm")).toEqual({});
  expect(wrongIn(newDraft(), "no id")).toEqual({ id: "id", url: "url" });
  expect(wrongIn(draft({ events: [], score_at_or_below: 11 }), "crm")).toEqual({
    events: "events",
    score_at_or_below: "score",
  });
  expect(wrongIn(draft({ score_at_or_below: 0 }), "crm")).toEqual({});
  const fields = ["body.url", "body.events.0", "path.webhook"].map((field) => ({ field, code: "not-valid" }));
  expect(wrongBy(fields)).toEqual({ url: "not-valid", events: "not-valid" });
});

test("the list has what was saved and deleted here until the service has followed", () => {
  const crm = aWebhook({ delivered_at: "2026-11-26T08:40:00Z" });
  const names = (own: Parameters<typeof withOwn>[1], listed = [crm]) =>
    withOwn(listed, own).map(({ webhook, version }) => `${webhook} ${version}`);
  expect(names(new Map())).toEqual(["crm 1"]);
  expect(names(new Map([["bi", aWebhook({ webhook: "bi" })]]))).toEqual(["bi 1", "crm 1"]);
  expect(names(new Map([["erp", aWebhook({ webhook: "erp" })]]))).toEqual(["crm 1", "erp 1"]);
  expect(names(new Map([["crm", null]]))).toEqual([]);
  expect(names(new Map([["crm", aWebhook({ version: 2 })]]))).toEqual(["crm 2"]);
  expect(names(new Map([["crm", aWebhook({ version: 2 })]]), [aWebhook({ version: 3 })])).toEqual(["crm 3"]);
  expect(withOwn([crm], new Map([["crm", aWebhook()]]))).toEqual([crm]);
});

test("a sentence says what a webhook does", () => {
  expect(sentenceOf(draft(), NAMES)).toBe(
    "*crm.example* is told when a client *answers* or a client *changes an answer*, in *all channels*.",
  );
  expect(
    sentenceOf(draft({ url: "", events: ["expired"], channels: ["b", "c"], enabled: false }), NAMES),
  ).toBe("*The other system* is told when a form *expires*, in *Blog and c*. It is *off*: nothing is sent.");
  expect(sentenceOf(draft({ score_at_or_below: 2, channels: ["a"] }), NAMES)).toMatch(
    /in \*Course ∗A∗\*\. Of answers only those with a score of \*2 or less\*\.$/,
  );
  for (const event of ["given", "changed"] as const)
    expect(sentenceOf(draft({ score_at_or_below: 2, events: [event] }), NAMES)).toMatch(
      /score of \*2 or less/,
    );
  expect(sentenceOf(draft({ score_at_or_below: 2, events: ["offered"] }), NAMES)).not.toMatch(/score/);
  expect(sentenceOf(draft({ channels: ["a", "b", "c", "d", "e"] }), NAMES)).toMatch(/Blog, c,? and 2 more/);
  expect(sentenceOf(draft({ events: [] }), NAMES)).toMatch(/^Nobody is told/);
});

test("each field is said in short, as it was and as it is", () => {
  const said = (part = {}) => FIELDS.map((field) => valueText(field, draft(part), NAMES));
  expect(said()).toEqual([
    "https://crm.example/candor",
    "answer, changed answer",
    "all channels",
    "any score",
    "On",
  ]);
  const other = { events: ["expired", "offered"], channels: ["b"], score_at_or_below: 0, enabled: false };
  expect(said(other)).toEqual([
    "https://crm.example/candor",
    "form offered, form expired",
    "Blog",
    "0",
    "Off",
  ]);
});

test("a delivery says in words what became of it, and why not", () => {
  const now = new Date("2026-11-26T08:41:00Z");
  expect(outcomeText(aDelivery(1), now)).toMatch(/^delivered .*40/);
  const waiting = aDelivery(1, { state: "waiting", due_at: "2026-11-26T08:45:00Z", delivered_at: null });
  expect(outcomeText(waiting, now)).toMatch(/^tried next .*45/);
  expect(outcomeText({ ...waiting, due_at: "2026-11-26T08:41:00Z" }, now)).toBe("on its way");
  expect(outcomeText(aDelivery(1, { state: "failed" }), now)).toBe("given up");
  expect(outcomeTitle(aDelivery(1))).toMatch(/40:01/);
  expect(outcomeTitle({ ...waiting, delivered_at: "2026-11-26T08:40:01Z" })).toMatch(/45:00/);
  expect(outcomeTitle(aDelivery(1, { state: "failed", delivered_at: null }))).toBeUndefined();
  expect(reasonText(aDelivery(1))).toBe("");
  expect(reasonText(aDelivery(1, { reason: "status", status: 503 }))).toBe("it answered 503");
  expect(reasonText(aDelivery(1, { reason: "private_address" }))).toBe("its address is a private one");
  expect(reasonText(aDelivery(1, { reason: "of_a_newer_release" }))).toBe("of_a_newer_release");
});

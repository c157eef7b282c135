import { load } from "@candor/ui/i18n.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { aView, someSettings } from "./builders.ts";
import { labelOf, length, satisfiedCount, sentenceOf, valueText } from "./sentences.ts";
import { DEFAULT, demanding, type Eligibility, type Part, type Settings, withWays } from "./settings.ts";

beforeAll(async () => {
  vi.stubGlobal("navigator", { languages: ["en-GB"] });
  await load("en");
});
afterAll(() => vi.unstubAllGlobals());

const plain = (text: string): string => text.replaceAll("*", "");
const of = (section: Parameters<typeof sentenceOf>[0], part: Partial<Settings> = {}): string =>
  plain(sentenceOf(section, someSettings(part), aView()));
const asked = (demands: Partial<Eligibility>, part: Partial<Settings> = {}): string =>
  plain(sentenceOf("ask", demanding(someSettings(part), demands), aView()));

test("lengths of time are said with their unit", () => {
  expect([1, 60, 7_200, 86_400].map(length)).toEqual(["1 second", "1 minute", "2 hours", "1 day"]);
});

test("who is asked is said in whole", () => {
  expect(asked({})).toBe(
    "All clients who had a reply are asked after a close by the operator or by the client. " +
      "Never about spam. A dialog that is reopened is asked about again at each close. " +
      "A client is asked at most once in 30 days in a channel.",
  );
  expect(of("ask", { enabled: false })).toBe(
    "Nobody is asked in the channel. Its closes still count, as not asked.",
  );
});

test("a rule that demands nothing is not said", () => {
  const anybody = asked({ needs_reply: false, skips_spam: false, closed_by: ["idle"] }, { cool_down: 0 });
  expect(anybody).toBe(
    "All clients are asked after a close for idle time. " +
      "A dialog that is reopened is asked about again at each close. There is no cool-down.",
  );
});

test.each([
  [{ least_client_messages: 2 }, "who had a reply and wrote at least 2 messages are"],
  [{ least_operator_messages: 1 }, "who had a reply and got at least 1 message from operators are"],
  [{ needs_reply: false, least_text: 20 }, "who wrote at least 20 characters in one message are"],
  [{ share: 50 }, "50% of the clients who"],
  [{ skips_labels: ["test", "vip"] }, "Never about spam, what is labelled “test” or what is labelled “vip”."],
  [{ skips_spam: false, skips_labels: ["test"] }, "Never about what is labelled “test”."],
  [{ reopened: "once_per_dialog" }, "A dialog is asked about once, however often it is reopened."],
  [
    { reopened: "once_within", once_within: 3_600 },
    "A dialog that is reopened is asked about again after 1 hour.",
  ],
] as [Partial<Eligibility>, string][])("of %o is said: %s", (demands, text) => {
  expect(asked(demands)).toContain(text);
});

test("when is said with each time, and with a reminder if there is one", () => {
  expect(of("when")).toMatch(
    /^Asked 15 minutes after the close; can be answered for 3 days, and changed for 7 days after the first answer\. Nobody is asked about a close that is heard of 1 day late/,
  );
  const other = of("when", { delay: 0, reminder: 86_400 });
  expect(other).toContain("Asked at once after the close;");
  expect(other).toContain("after the first answer. Reminded once after 1 day. Nobody");
});

test("what is asked is said with the scores that satisfy, and those that need words", () => {
  expect(of("what")).toBe(
    "One question with 5 stars; 4 and 5 count as satisfied. " +
      "A comment is optional, and required at 1 and 2. The operator is not named.",
  );
  const texts = { en: "Slow" };
  expect(
    of("what", {
      scale: { name: "points", satisfied_from: 8 },
      comment: { mode: "required", required_at_or_below: 0 },
      tags: [{ id: "slow", lowest: 1, highest: 3, texts }],
      follow_ups: [{ id: "solved", texts, options: [] }],
      names_operator: true,
      accent: "#123456",
    }),
  ).toBe(
    "One question with a scale of 0 to 10; 8 to 10 count as satisfied. " +
      "A comment is optional, and required at 0. 1 reason can be chosen. " +
      "1 further question can be answered. The operator is named. The form’s colour is #123456.",
  );
  const thumbs = of("what", {
    scale: { name: "thumbs", satisfied_from: 2 },
    comment: { mode: "off", required_at_or_below: null },
  });
  expect(thumbs).toContain(
    "One question with 2 thumbs; 2 counts as satisfied. There is no field for a comment.",
  );
  expect(of("what", { comment: { mode: "optional", required_at_or_below: null } })).toContain(
    "A comment is optional. The operator",
  );
  expect(satisfiedCount(someSettings(), aView())).toBe(2);
});

test("the words are said with their locales, of the default without one of its own", () => {
  expect(of("words")).toMatch(/^In 2 locales: .* then from en, then/);
  const settings = someSettings({ texts: {} });
  const view = { ...aView(), channel: DEFAULT, locales: [] };
  expect(plain(sentenceOf("words", settings, view))).toMatch(/^In 1 locale: .* then from the channel’s own/);
});

const widget = "In the widget, at the client’s next visit too, until the form expires.";
test.each([
  [true, null, null, widget],
  [true, 0, null, "In the widget, and by e-mail if the client left an address."],
  [
    true,
    1_800,
    null,
    "In the widget first; by e-mail if the client left an address and has not answered after 30 minutes.",
  ],
  [false, 0, null, "By e-mail, if the client left an address. Others are not asked."],
  [false, null, 0, "By webhook to your own system, which shows clients the link."],
  [true, null, 0, `${widget} Also by webhook to your own system.`],
  [true, null, 60, `${widget} By webhook to your own system if there is no answer after 1 minute.`],
  [
    false,
    0,
    0,
    "By e-mail, if the client left an address. Others are not asked. Also by webhook to your own system.",
  ],
])("how forms go out (widget %o, mail %o, webhook %o) is said", (inWidget, mailed, webhook, text) => {
  expect(plain(sentenceOf("how", withWays(someSettings(), inWidget, mailed, webhook), aView()))).toBe(text);
});

test("who is told of low scores is said", () => {
  const alert = { at_or_below: 2, to: ["clara@school.test", "ivo@school.test"], locale: "en" };
  expect(of("how", { alert })).toBe(
    `${widget} Scores of 1 and 2 are told by e-mail to 2 addresses, at most once in 15 minutes each.`,
  );
});

test("a part is named, a text with its locale", () => {
  expect(labelOf("cool_down")).toBe("Cool-down");
  expect(labelOf("texts.fr.question")).toBe("Question, fr");
});

test.each([
  ["enabled", {}, "On"],
  ["names_operator", {}, "Off"],
  ["tags", {}, "0"],
  ["scale", {}, "5 stars"],
  ["satisfied", {}, "4"],
  ["delay", { delay: 0 }, "at once"],
  ["delay", {}, "15 minutes"],
  ["cool_down", { cool_down: 0 }, "none"],
  ["cool_down", {}, "30 days"],
  ["reminder", {}, "none"],
  ["reminder", { reminder: 86_400 }, "1 day"],
  ["accent", {}, "Candor’s own"],
  ["accent", { accent: "#123456" }, "#123456"],
  ["comment", {}, "required up to 2"],
  ["comment", { comment: { mode: "off", required_at_or_below: null } }, "none"],
  ["texts.fr.question", {}, "Alors ?"],
  ["texts.fr.thanks", {}, "not written"],
  ["texts.de.thanks", {}, "not written"],
  ["form_webhook", {}, "none"],
  ["form_webhook", { form_webhook: { url: "https://school.test/forms" } }, "https://school.test/forms"],
  ["alert", {}, "Off"],
  ["alert", { alert: { at_or_below: 2, to: ["clara@school.test"], locale: "en" } }, "up to 2, 1 address, en"],
  ["ways", {}, "widget"],
] as [Part, Partial<Settings>, string][])("the value of %s of %o is: %s", (part, settings, text) => {
  expect(valueText(part, someSettings(settings))).toBe(text);
});

test.each([
  [true, 0, null, "widget and e-mail"],
  [true, 1_800, null, "widget and e-mail after 30 minutes"],
  [false, null, 0, "webhook to your own system"],
  [true, null, 60, "widget and webhook after 1 minute"],
])(
  "the ways (widget %o, mail %o, webhook %o) are listed in their order",
  (inWidget, mailed, webhook, text) => {
    expect(valueText("ways", withWays(someSettings(), inWidget, mailed, webhook))).toBe(text);
  },
);

test.each([
  ["closed_by", {}, "operator and client"],
  ["needs_reply", {}, "On"],
  ["skips_spam", { skips_spam: false }, "Off"],
  ["skips_labels", {}, "no labels"],
  ["skips_labels", { skips_labels: ["test", "vip"] }, "test and vip"],
  ["share", { share: 50 }, "50%"],
  ["reopened", {}, "each close"],
  ["reopened", { reopened: "once_within", once_within: 3_600 }, "once in 1 hour"],
  ["least_text", { least_text: 20 }, "20"],
] as [keyof Eligibility, Partial<Eligibility>, string][])(
  "what %s demands with %o is: %s",
  (name, demands, text) => {
    expect(valueText(`eligibility.${name}` as Part, demanding(someSettings(), demands))).toBe(text);
  },
);

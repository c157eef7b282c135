import { expect, test } from "vitest";
import { aView, someSettings } from "./builders.ts";
import { partOf } from "./editor.ts";
import { lookup, rangesOf, shown } from "./fallbacks.ts";
import { asLength, inSeconds, isWithin, typed } from "./lengths.ts";
import { previewForm } from "./preview-form.ts";
import { valueText, wholeText } from "./sentences.ts";
import {
  DEFAULT,
  demanding,
  differences,
  inLanguage,
  inWidget,
  localesOf,
  lowered,
  mailedAfter,
  NONE,
  newId,
  type Part,
  rebased,
  rescaled,
  type Section,
  type Settings,
  sectionOf,
  sectionsOf,
  sent,
  taken,
  webhookAfter,
  withWays,
  written,
} from "./settings.ts";

test("what differs is named part by part", () => {
  const before = someSettings();
  const after = written(someSettings({ cool_down: 0, expiry: 60 }), "fr", "thanks", "Merci bien");
  expect(differences(before, after)).toEqual(["cool_down", "expiry", "texts.fr.thanks"]);
  expect(differences(before, written(before, "de", "thanks", "  "))).toEqual([]);
  expect(
    differences(before, someSettings({ comment: { mode: "optional", required_at_or_below: null } })),
  ).toEqual(["comment"]);
});

test("what is demanded of a close is compared and taken over part by part", () => {
  const before = someSettings();
  const after = demanding(before, { share: 50, reopened: "once_within", once_within: 60 });
  expect(differences(before, after)).toEqual(["eligibility.share", "eligibility.reopened"]);
  expect(differences(after, demanding(after, { once_within: 61 }))).toEqual(["eligibility.reopened"]);
  expect(sectionOf("eligibility.share")).toBe("ask");
  const theirs = demanding(before, { least_text: 12 });
  expect(rebased(before, after, theirs).eligibility).toEqual({ ...after.eligibility, least_text: 12 });
});

test("what two people changed elsewhere holds both", () => {
  const base = someSettings();
  const mine = written(someSettings({ cool_down: 60 }), "fr", "question", "Ça va ?");
  const theirs = written(someSettings({ delay: 0 }), "fr", "thanks", "Merci");
  const both = rebased(base, mine, theirs);
  expect(both).toMatchObject({ cool_down: 60, delay: 0 });
  expect(both.texts.fr).toMatchObject({ question: "Ça va ?", thanks: "Merci" });
});

test("another scale keeps what its thresholds mean", () => {
  const points = rescaled(someSettings(), aView(), "points");
  expect(points.scale).toEqual({ name: "points", satisfied_from: 8 });
  expect(points.comment.required_at_or_below).toBe(3);
  expect(rescaled(someSettings(), aView(), "thumbs").scale.satisfied_from).toBe(2);
});

test("whoever looks at one scale after another and comes back has moved no threshold", () => {
  const view = aView();
  const seen = ["thumbs", "points", "stars"] as const;
  const back = seen.reduce((settings, name) => rescaled(settings, view, name), view.settings);
  expect(back).toEqual(view.settings);
  expect(rescaled(rescaled(view.settings, view, "thumbs"), view, "points").scale.satisfied_from).toBe(8);
});

test("locales in which nothing is written are not sent", () => {
  const settings = written(someSettings({ texts: { de: NONE } }), "fr", "thanks", " Merci ");
  expect(sent(settings).texts).toEqual({ fr: { ...NONE, thanks: "Merci" } });
});

test("what is new gets an id of its text for good, and empty texts are not sent", () => {
  const tag = (id: string, en: string) => ({ id, lowest: 1, highest: 3, texts: { en, fr: " " } });
  const tags = [tag("slow", "Slow"), tag(newId(), " Slow! "), tag(newId(), "Почему"), tag(newId(), "")];
  const option = (en: string) => ({ id: newId(), texts: { en } });
  const options = [option("Yes"), option("Déjà vu")];
  const follow_ups = [{ id: newId(), texts: { en: "Was it solved?" }, options }];
  const body = sent(someSettings({ tags, follow_ups }));
  expect(body.tags.map(({ id, texts }) => [id, texts])).toEqual([
    ["slow", { en: "Slow" }],
    ["slow-2", { en: "Slow!" }],
    ["choice-1", { en: "Почему" }],
  ]);
  expect(body.follow_ups.map(({ id, options: all }) => [id, ...all.map((each) => each.id)])).toEqual([
    ["was-it-solved", "yes", "deja-vu"],
  ]);
  expect(differences(someSettings(), someSettings({ tags, follow_ups }))).toEqual(["tags", "follow_ups"]);
});

test("one way is always left, and whoever gets no mail gets no reminder", () => {
  const mailed = withWays(someSettings({ reminder: 86_400 }), true, 1_800);
  expect(mailed.ways.map(({ way, after }) => [way, after])).toEqual([
    ["widget", 0],
    ["email", 1_800],
  ]);
  expect(differences(someSettings(), mailed)).toEqual(["reminder", "ways"]);
  expect(withWays(mailed, true, null)).toMatchObject({ ways: [{ way: "widget", after: 0 }], reminder: null });
  expect(withWays(withWays(mailed, false, 0), false, null).ways).toEqual([{ way: "email", after: 0 }]);
  expect([sectionOf("ways"), sectionOf("reminder")]).toEqual(["how", "when"]);
});

test("the channel's own system is a way of its own, and its address stays while it is off", () => {
  const form_webhook = { url: "https://support.example/forms" };
  const webhook = withWays(someSettings({ form_webhook }), false, null, 0);
  expect(webhook.ways).toEqual([{ way: "webhook", after: 0 }]);
  expect(webhookAfter(webhook)).toBe(0);
  expect(withWays(webhook, true, 1_800).ways.map(({ way }) => way)).toEqual(["widget", "email", "webhook"]);
  expect(withWays(webhook, false, null, null)).toBe(webhook);
  const off = withWays(webhook, true, null, null);
  expect([webhookAfter(off), off.form_webhook]).toEqual([null, form_webhook]);
  expect(differences(someSettings(), webhook)).toEqual(["ways", "form_webhook"]);
  expect([sectionOf("form_webhook"), partOf("body.form_webhook.url")]).toEqual(["how", "form_webhook"]);
});

test("reasons keep their place on another scale, and have it again on the way back", () => {
  const view = aView();
  const tags = [{ id: "slow", lowest: 1, highest: 3, texts: { en: "slow" } }];
  const points = rescaled(someSettings({ tags }), view, "points");
  expect(points.tags.map(({ lowest, highest }) => [lowest, highest])).toEqual([[0, 5]]);
  expect(rescaled(points, view, "stars").tags).toEqual(tags);
});

test("an alert is of scores alone that don't satisfy, also on another scale", () => {
  const view = aView();
  const alert = { at_or_below: 3, to: ["clara@school.test"], locale: "en" };
  const settings = someSettings({ alert });
  expect(differences(someSettings(), settings)).toEqual(["alert"]);
  expect(sectionOf("alert")).toBe("how");
  expect(lowered(settings)).toBe(settings);
  expect(lowered({ ...settings, scale: { name: "stars", satisfied_from: 3 } }).alert?.at_or_below).toBe(2);
  expect(rescaled(settings, view, "points").alert?.at_or_below).toBe(5);
  expect(rescaled(settings, view, "thumbs").alert?.at_or_below).toBe(1);
});

test("a text that isn't written is the more general one, then the default's, then what is built in", () => {
  const view = aView();
  const settings = someSettings();
  expect(shown(view, settings, "fr-CA", "question")).toEqual({
    text: "Alors ?",
    locale: "fr",
    builtIn: false,
  });
  expect(shown(view, settings, "de", "question")).toEqual({
    text: "How was it?",
    locale: "en",
    builtIn: false,
  });
  expect(shown(view, settings, "fr", "thanks")).toEqual({ text: "Merci.", locale: "fr", builtIn: true });
  expect(lookup("zh-Hant-x-y")).toEqual(["zh-Hant-x-y", "zh-Hant", "zh"]);
});

test("lengths of time are shown in the largest unit without a rest", () => {
  expect([0, 90, 900, 86_400, 90_000, 0.5].map(asLength)).toEqual([
    { count: 0, unit: "minutes" },
    { count: 90, unit: "seconds" },
    { count: 15, unit: "minutes" },
    { count: 1, unit: "days" },
    { count: 25, unit: "hours" },
    { count: 0.5, unit: "seconds" },
  ]);
  expect(["14", " 1,25 ", "-1", "", "1e3", "x"].map(typed)).toEqual([14, 1.25, null, null, null, null]);
  expect(inSeconds(1.5, "hours")).toBe(5_400);
  expect([isWithin(0, 0), isWithin(0, 1), isWithin(3_650 * 86_400, 1), isWithin(3_651 * 86_400, 1)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

test("a field of a request is a part of the page", () => {
  const parts = {
    "body.expiry": "expiry",
    "body.texts.fr.question": "texts.fr.question",
    "body.scale.satisfied_from": "satisfied",
    "body.eligibility.skips_labels.0": "eligibility.skips_labels",
    "body.eligibility": "eligibility.reopened",
    "body.eligibility.once_within": "eligibility.reopened",
    "body.eligibility.nothing": null,
    body: null,
  };
  expect(Object.keys(parts).map(partOf)).toEqual(Object.values(parts));
});

test("the preview is the form with these texts, at the moment that is asked for", () => {
  const now = new Date("2026-11-26T09:00:00Z");
  const of = (moment: "question" | "comment" | "thanks" | "expired") =>
    previewForm(aView(), someSettings(), "fr", moment, now);
  expect(of("question")).toMatchObject({ form: { state: "pending", locale: "fr" }, score: null });
  expect(of("question").form.expires_at).toBe("2026-11-29T09:00:00.000Z");
  expect(of("comment").score).toBe(2);
  expect(of("thanks").form).toMatchObject({ state: "given", editable_until: "2026-12-03T09:00:00.000Z" });
  expect(of("expired").form).toMatchObject({ state: "expired", expires_at: null });
});

test("the default has no history, and looks for texts in no channel's own language", () => {
  const view = { ...aView(), channel: DEFAULT };
  expect(sectionsOf(view)).toEqual(["ask", "when", "what", "words", "how"]);
  expect(sectionsOf(aView())).toEqual(["ask", "when", "what", "words", "how", "history"]);
  expect(rangesOf(aView(), "fr-CA")).toEqual(["fr-CA", "fr", "en"]);
  expect(rangesOf(view, "fr-CA")).toEqual(["fr-CA", "fr"]);
});

test("a comparison shows the texts of reasons and questions, not how many there are", () => {
  const solved = [{ id: "yes", texts: { en: "Yes" } }];
  const settings = someSettings({
    tags: [{ id: "slow", lowest: 1, highest: 3, texts: { en: "Slow", fr: "Lent" } }],
    follow_ups: [{ id: "solved", texts: { en: "Solved?" }, options: solved }],
  });
  expect(wholeText("tags", settings)).toBe("\u2068Slow\u2069 / \u2068Lent\u2069 (1–3)");
  expect(wholeText("follow_ups", settings)).toBe("\u2068Solved?\u2069 · \u2068Yes\u2069");
  const more = [...settings.tags, { id: "kind", lowest: 4, highest: 5, texts: { en: "Kind", fr: "" } }];
  expect(wholeText("tags", { ...settings, tags: more })).toBe(
    "\u2068Slow\u2069 / \u2068Lent\u2069 (1–3)\n\u2068Kind\u2069 (4–5)",
  );
  for (const part of ["tags", "follow_ups"] as const) expect(wholeText(part, someSettings())).toBe("0");
  expect(wholeText("delay", settings)).toBe(valueText("delay", settings));
});

const alert = { at_or_below: 2, to: ["clara@school.test"], locale: "en" };
const tags = [{ id: "slow", lowest: 1, highest: 3, texts: { en: "Slow", fr: "Lent" } }];
const yes = { id: "yes", texts: { en: "Yes" } };
const follow_ups = [{ id: "solved", texts: { en: "Solved?" }, options: [yes] }];

test.each([
  ["enabled", { enabled: false }, "ask"],
  ["cool_down", { cool_down: 1 }, "ask"],
  ["delay", { delay: 1 }, "when"],
  ["expiry", { expiry: 1 }, "when"],
  ["edit_window", { edit_window: 1 }, "when"],
  ["offer_window", { offer_window: 1 }, "when"],
  ["reminder", { reminder: 1 }, "when"],
  ["comment", { comment: { mode: "required", required_at_or_below: 1 } }, "what"],
  ["comment", { comment: { mode: "off", required_at_or_below: null } }, "what"],
  ["names_operator", { names_operator: true }, "what"],
  ["accent", { accent: "#112233" }, "what"],
  ["tags", { tags }, "what"],
  ["follow_ups", { follow_ups }, "what"],
  ["ways", { ways: [{ way: "email", after: 0 }] }, "how"],
  ["alert", { alert }, "how"],
  ["form_webhook", { form_webhook: { url: "https://school.test/forms" } }, "how"],
] as [Part, Partial<Settings>, Section][])(
  "%s is a part of its own: compared, taken over, refused and shown at its place (%#)",
  (part, change, section) => {
    const after = someSettings(change);
    expect(differences(someSettings(), after)).toEqual([part]);
    expect(taken(someSettings(), after, part)).toEqual(after);
    expect(sectionOf(part)).toBe(section);
    expect(partOf(`body.${part}.0.id`)).toBe(part);
  },
);

test("the scale and its threshold are two parts that are taken over together", () => {
  const points = someSettings({ scale: { name: "points", satisfied_from: 4 } });
  expect(differences(someSettings(), points)).toEqual(["scale"]);
  const stricter = someSettings({ scale: { name: "stars", satisfied_from: 5 } });
  expect(differences(someSettings(), stricter)).toEqual(["satisfied"]);
  for (const after of [points, stricter])
    expect(rebased(someSettings(), after, someSettings())).toEqual(after);
  expect([sectionOf("scale"), sectionOf("satisfied")]).toEqual(["what", "what"]);
  expect([partOf("body.scale.name"), partOf("body.texts.fr")]).toEqual(["scale", null]);
});

test("a threshold that no comment is required at makes no difference", () => {
  const optional = (at: number | null) =>
    someSettings({ comment: { mode: "optional", required_at_or_below: at } });
  expect(differences(optional(1), optional(null))).toEqual([]);
  const each = (once_within: number) => demanding(someSettings(), { once_within });
  expect(differences(each(0), each(60))).toEqual([]);
});

test("what is taken over is the time of a reopening with it alone, and a text that was emptied", () => {
  const before = demanding(someSettings(), { reopened: "once_within", once_within: 60 });
  const after = demanding(before, { share: 50, once_within: 3_600 });
  expect(taken(before, after, "eligibility.share").eligibility).toMatchObject({ share: 50, once_within: 60 });
  expect(taken(before, after, "eligibility.reopened").eligibility.once_within).toBe(3_600);
  const emptied = someSettings({ texts: {} });
  expect(differences(someSettings(), emptied)).toEqual(["texts.en.question", "texts.fr.question"]);
  expect(taken(someSettings(), emptied, "texts.fr.question").texts.fr).toEqual(NONE);
  expect(sectionOf("texts.fr.question")).toBe("words");
});

test("locales are the channel's, the default first, and others that something is written in, each once", () => {
  const view = { default_locale: "fr", locales: ["en", "fr"] };
  const settings = written(someSettings(), "de", "question", "Na?");
  expect(localesOf(view, settings)).toEqual(["fr", "en", "de"]);
});

test("which ways there are is read from the settings", () => {
  const settings = withWays(someSettings(), false, 60, 0);
  expect([inWidget(settings), mailedAfter(settings), webhookAfter(settings)]).toEqual([false, 60, 0]);
  expect([inWidget(someSettings()), mailedAfter(someSettings())]).toEqual([true, null]);
  expect(mailedAfter(withWays(someSettings(), true, 0))).toBe(0);
});

test("a reader sees a text in their language, else in any in which it is written", () => {
  expect(inLanguage({ en: "Slow", fr: "Lent" }, ["fr-CA", "fr", "en"])).toBe("Lent");
  expect(inLanguage({ en: "Slow", fr: " " }, ["fr", "en"])).toBe("Slow");
  expect(inLanguage({ fr: " ", ru: "Долго" }, ["de"])).toBe("Долго");
  expect(inLanguage({}, ["de"])).toBe("");
});

test("questions and answers without a text are not sent, and equal texts get ids of their own", () => {
  const option = (en: string) => ({ id: newId(), texts: { en } });
  const question = (en: string, ...options: string[]) => ({ ...option(en), options: options.map(option) });
  const asked = [question(" "), question("Why?", "Yes", " ", "yes!"), question("Why?")];
  const { follow_ups: body } = sent(someSettings({ follow_ups: asked }));
  expect(body.map(({ id, options }) => [id, ...options.map((each) => each.id)])).toEqual([
    ["why", "yes", "yes-2"],
    ["why-2"],
  ]);
  const long = sent(someSettings({ tags: [{ ...option("a".repeat(60)), lowest: 1, highest: 2 }] }));
  expect(long.tags[0]?.id).toBe("a".repeat(40));
});

test("another scale keeps a score that does not satisfy, and a comment that is required", () => {
  const lenient = aView(1, someSettings({ scale: { name: "stars", satisfied_from: 2 } }));
  expect(rescaled(lenient.settings, lenient, "thumbs").scale.satisfied_from).toBe(2);
  const view = aView(1, someSettings({ comment: { mode: "optional", required_at_or_below: null } }));
  expect(rescaled(view.settings, view, "points").comment.required_at_or_below).toBeNull();
  const required = rescaled(someSettings(), view, "stars");
  expect(required.comment).toEqual({ mode: "required", required_at_or_below: 2 });
  const points = someSettings({
    scale: { name: "points", satisfied_from: 8 },
    comment: { mode: "optional", required_at_or_below: null },
  });
  expect(rescaled({ ...points, comment: required.comment }, aView(1, points), "points").comment).toEqual({
    mode: "required",
    required_at_or_below: 1,
  });
});

test("where there is no thanks for an outcome, there is the one for any, then what is built in", () => {
  const view = aView();
  const settings = written(someSettings(), "fr", "thanks_satisfied", "Ravis");
  expect(shown(view, settings, "fr", "thanks_satisfied").text).toBe("Ravis");
  expect(shown(view, settings, "fr", "thanks_unsatisfied")).toEqual({
    text: "Merci.",
    locale: "fr",
    builtIn: true,
  });
  const both = written(settings, "fr", "thanks", "Bien");
  expect(shown(view, both, "fr", "thanks_unsatisfied").text).toBe("Bien");
  expect(shown(view, someSettings(), "en", "thanks_satisfied").text).toBe("Thank you.");
  const german = { ...view, default_locale: "de" };
  expect(shown(german, someSettings({ texts: {} }), "de", "thanks")).toEqual({
    text: "Thank you.",
    locale: "en",
    builtIn: true,
  });
  const blank = someSettings({ texts: { en: { ...NONE, question: " " } } });
  expect(shown(view, blank, "en", "question")).toMatchObject({ builtIn: true });
  expect(shown(view, settings, "fr", "expired")).toMatchObject({ locale: "fr", builtIn: true });
});

test("the preview has the chat, the times and the texts that its client would see", () => {
  const now = new Date("2026-11-26T09:00:00Z");
  const settings = someSettings({
    comment: { mode: "optional", required_at_or_below: null },
    tags: [...tags, { id: "empty", lowest: 1, highest: 2, texts: { en: " " } }],
    follow_ups: [...follow_ups, { id: "empty", texts: {}, options: [] }],
  });
  const texts = {
    en: { ...NONE, thanks_satisfied: "Glad.", thanks_unsatisfied: "Sorry.", expired: "Too late." },
  };
  const of = (moment: "question" | "comment" | "thanks" | "expired", part: Partial<Settings> = {}) =>
    previewForm(aView(), { ...settings, texts, ...part }, "en", moment, now);

  const { form } = of("question");
  expect([form.opened_at, form.closed_at]).toEqual(["2026-11-26T08:14:00.000Z", "2026-11-26T08:45:00.000Z"]);
  expect(form.texts).toEqual({
    question: "How was your conversation?",
    low_end: "Very bad",
    high_end: "Very good",
    comment: "More?",
    thanks: "Thank you.",
    expired: "Too late.",
  });
  expect(form.comment).toEqual({ mode: "optional", required_at_or_below: null, max_length: 2_000 });
  expect(form.tags).toEqual([{ id: "slow", lowest: 1, highest: 3, text: "Slow" }]);
  expect(form.follow_ups).toEqual([{ id: "solved", text: "Solved?", options: [{ id: "yes", text: "Yes" }] }]);
  expect([form.test, form.direction, form.operator_name]).toEqual([false, "ltr", null]);

  expect(of("comment").score).toBe(4);
  expect(of("comment", { scale: { name: "thumbs", satisfied_from: 2 } }).score).toBe(2);
  expect(of("thanks")).toMatchObject({ satisfied: 4, thanks: { satisfied: "Glad.", other: "Sorry." } });
  expect(of("thanks").form.texts.thanks).toBe("Glad.");
  expect(of("thanks").form.answer).toEqual({ score: 4, comment: null, tags: [], follow_ups: {} });
  const required = { comment: { mode: "required" as const, required_at_or_below: 2 } };
  expect(of("thanks", required).form.texts.thanks).toBe("Sorry.");
  expect(of("expired").form).toMatchObject({
    closed_at: "2026-11-23T08:45:00.000Z",
    expired_at: "2026-11-26T09:00:00.000Z",
  });
  expect(of("expired", { texts: {} }).form.texts.expired).toBeNull();
});

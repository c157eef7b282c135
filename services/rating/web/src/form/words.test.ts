import { load } from "@candor/ui/i18n.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { aForm, NOW } from "./builders.ts";
import type { Form } from "./form.ts";
import { aboutText, lengthText, requiredScores, scoreText, sendText, wordOf } from "./words.ts";

beforeAll(async () => {
  vi.stubEnv("TZ", "UTC");
  vi.stubGlobal("navigator", { languages: ["en-GB"] });
  await load("en");
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

function scaled(
  name: Form["scale"]["name"],
  lowest: number,
  highest: number,
  part: Partial<Form> = {},
): Form {
  return aForm({ scale: { name, lowest, highest }, ...part });
}

const STARS = scaled("stars", 1, 5);
const EMOJI = scaled("emoji", 1, 5);
const FACES = scaled("faces", 1, 3);
const THUMBS = scaled("thumbs", 1, 2);
const POINTS = scaled("points", 0, 10);

test.each([
  [STARS, ["Very bad", "bad", "so-so", "good", "Very good"]],
  [EMOJI, ["Very bad", "bad", "so-so", "good", "Very good"]],
  [FACES, ["Very bad", "so-so", "Very good"]],
  [THUMBS, ["Very bad", "Very good"]],
  [POINTS, ["Very bad", ...Array(9).fill(null), "Very good"]],
])("each score has its word", (form, words) => {
  expect(words.map((_, step) => wordOf(form, form.scale.lowest + step))).toEqual(words);
});

test.each([{ low_end: "Poor" }, { high_end: "Splendid" }])(
  "between ends of the channel's own (%o) there are no words",
  (own) => {
    const form = aForm({ texts: { ...STARS.texts, ...own } });
    const { low_end, high_end } = form.texts;
    expect([1, 2, 3, 4, 5].map((score) => wordOf(form, score))).toEqual([
      low_end,
      null,
      null,
      null,
      high_end,
    ]);
  },
);

test("a score is its number and its word, and where pictures have no numbers the word alone", () => {
  expect([4, 5].map((score) => scoreText(STARS, score))).toEqual(["4 of 5, good", "5 of 5, very good"]);
  expect([0, 7].map((score) => scoreText(POINTS, score))).toEqual(["0 of 10, very bad", "7 of 10"]);
  for (const form of [EMOJI, FACES])
    expect(scoreText(form, form.scale.highest - 1)).toMatch(/^(Good|So-so)$/);
  expect(scoreText(THUMBS, 1)).toBe("Very bad");
  const own = scaled("emoji", 1, 5, { texts: { ...EMOJI.texts, low_end: "Poor" } });
  expect(scoreText(own, 2)).toBe("2 of 5");
});

test("the button says what it sends", () => {
  expect(sendText(STARS, 4)).toBe("Send 4 of 5");
  expect(sendText(EMOJI, 4)).toBe("Send “Good”");
  expect(sendText(scaled("emoji", 1, 5, { texts: { ...EMOJI.texts, low_end: "Poor" } }), 2)).toBe(
    "Send 2 of 5",
  );
});

test.each([
  ["2026-11-26T08:31:00Z", "2026-11-26T08:59:00Z", "About your chat of today, 08:31 to 08:59."],
  ["2026-11-25T08:31:00Z", "2026-11-25T08:59:00Z", "About your chat of Wed 25 Nov, 08:31 to 08:59."],
  ["2026-11-25T23:50:00Z", "2026-11-26T00:10:00Z", "About your chat of Wed 25 Nov, 23:50 to 00:10."],
  [
    "2026-11-24T23:50:00Z",
    "2026-11-25T00:10:00Z",
    "About your chat of Tue 24 Nov, 23:50 to Wed 25 Nov, 00:10.",
  ],
  ["2025-11-26T08:31:00Z", "2025-11-26T08:59:00Z", "About your chat of Wed, 26 Nov 2025, 08:31 to 08:59."],
  ["2026-11-26T08:59:01Z", "2026-11-26T08:59:30Z", "About your chat that ended at 08:59."],
  [null, "2026-11-25T08:59:00Z", "About your chat that ended at Wed 25 Nov, 08:59."],
])("a chat from %s to %s is told from others", (opened_at, closed_at, text) => {
  expect(aboutText(aForm({ opened_at, closed_at }), NOW)).toBe(text);
});

test.each([
  [STARS, 1, "1"],
  [STARS, 2, "1 and 2"],
  [STARS, 3, "1–3"],
  [POINTS, 0, "0"],
  [POINTS, 6, "0–6"],
  [THUMBS, 1, "“Very bad”"],
  [FACES, 2, "“Very bad” and “So-so”"],
  [EMOJI, 3, "“Very bad”–“So-so”"],
])("the scores that need words are named as they are shown", (form, required_at_or_below, text) => {
  expect(requiredScores({ ...form, comment: { ...form.comment, required_at_or_below } })).toBe(text);
});

test.each([
  [604_800, "7 days"],
  [86_400, "1 day"],
  [90_000, "25 hours"],
  [900, "15 minutes"],
  [90, "90 seconds"],
  [90.5, "1 minute"],
  [0.5, "0 seconds"],
])("%d seconds are %s", (seconds, text) => {
  expect(lengthText(seconds)).toBe(text);
});

/** Scores, times and lengths of time in words. */
import { moment, number, shortTime, timeOfDay } from "@candor/ui/format.ts";
import { formatTag } from "@candor/ui/i18n.ts";
import { type Form, scores } from "./form.ts";
import { t } from "./texts.ts";

/** The word for a score: the channel's at the ends; between them only if the channel's ends are our own words. */
export function wordOf(form: Form, score: number): string | null {
  const { texts, scale } = form;
  if (score === scale.lowest) return texts.low_end;
  if (score === scale.highest) return texts.high_end;
  if (texts.low_end !== t("word.lowest") || texts.high_end !== t("word.highest")) return null;
  const between: Record<string, ("word.low" | "word.middle" | "word.high")[]> = {
    stars: ["word.low", "word.middle", "word.high"],
    emoji: ["word.low", "word.middle", "word.high"],
    faces: ["word.middle"],
  };
  const key = between[scale.name]?.[score - scale.lowest - 1];
  return key ? t(key) : null;
}

/** "4 of 5, good", or the word alone where pictures have no numbers. */
export function scoreText(form: Form, score: number): string {
  const word = wordOf(form, score);
  if (word && isPictures(form)) return capital(word);
  const args = { score: number(score), highest: number(form.scale.highest) };
  return word ? t("scoreWord", { ...args, word: word.toLocaleLowerCase(formatTag.value) }) : t("score", args);
}

function capital(word: string): string {
  const [first = "", ...rest] = [...word];
  return first.toLocaleUpperCase(formatTag.value) + rest.join("");
}

/** What the button says: "Send 4 of 5". */
export function sendText(form: Form, score: number): string {
  const word = wordOf(form, score);
  if (word && isPictures(form)) return t("sendWord", { word: capital(word) });
  return t("send", { score: number(score), highest: number(form.scale.highest) });
}

/** "About your chat of today, 08:31 to 09:02." */
export function aboutText(form: Form, now: Date): string {
  const { opened_at: opened, closed_at: closed } = form;
  if (!opened || timeOfDay(opened) === timeOfDay(closed))
    return t("about.end", { to: shortTime(closed, now) });
  const sameDay = day(opened) === day(closed);
  const to = sameDay ? timeOfDay(closed) : shortTime(closed, now);
  if (sameDay && day(closed) === day(now)) return t("about.today", { from: timeOfDay(opened), to });
  return t("about.day", { from: shortTime(opened, now), to });
}

/** The scores that need words: "1 and 2", "0–6", "“Very bad” and “bad”" where pictures have no numbers. */
export function requiredScores(form: Form): string {
  const texts = scores(form)
    .filter((score) => score <= (form.comment.required_at_or_below ?? -1))
    .map((score) => (isPictures(form) ? quoted(scoreText(form, score)) : number(score)));
  if (texts.length > 2) return `${texts[0]}–${texts.at(-1)}`;
  return new Intl.ListFormat(formatTag.value).format(texts);
}

export function quoted(words: string): string {
  return t("quoted", { words });
}

const UNITS: ["day" | "hour" | "minute" | "second", number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "7 days", "15 minutes": in the largest unit that has no rest, else rounded down. */
export function lengthText(seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size && seconds % size === 0) ??
    UNITS.find(([, size]) => seconds >= size) ?? ["second", 1];
  const options = { style: "unit", unit, unitDisplay: "long" } as const;
  return new Intl.NumberFormat(formatTag.value, options).format(Math.floor(seconds / size));
}

function isPictures(form: Form): boolean {
  return ["thumbs", "faces", "emoji"].includes(form.scale.name);
}

function day(at: string | Date): string {
  return moment(at, { year: "numeric", month: "numeric", day: "numeric" });
}

import { beforeEach, expect, test, vi } from "vitest";
import { ago, duration, NOTHING, number, percent, percentRange, shortTime } from "./format.ts";
import { locale } from "./i18n.ts";

/** What the browser says it speaks; a locale that changes has it read again. */
function speaks(...languages: string[]): void {
  vi.stubGlobal("navigator", { languages });
  locale.value = "ru";
  locale.value = "en";
}

// The first is no language tag: what Chromium says where the system's language is POSIX.
beforeEach(() => speaks("en-US@posix", "en-GB", "fr-FR"));

const now = new Date("2026-11-23T09:42:00Z");

test("numbers and percentages are written as the language writes them", () => {
  expect([number(1214), percent(0.869), percentRange(0.83, 0.9)]).toEqual(["1,214", "87%", "83–90"]);
  locale.value = "fr";
  expect(`${number(1214)} ${percent(0.869)}`).toMatch(/^1\s214 87\s%$/);
});

test("nothing to divide by is a dash, and a true zero is a zero", () => {
  expect([percent(null), number(null), percent(0)]).toEqual([NOTHING, NOTHING, "0%"]);
});

test("a time of today has no date, another day has one, another year its year", () => {
  const shown = ["2026-11-23T08:40:00Z", "2026-11-22T16:04:00Z", "2025-02-14T10:00:00Z"];
  expect(shown.map((at) => shortTime(at, now, "Europe/Paris"))).toEqual([
    "09:40",
    "Sun 22 Nov, 17:04",
    "Fri, 14 Feb 2025, 11:00",
  ]);
});

test("where a day has twice twelve hours, one digit is enough", () => {
  speaks("en-US");
  const shown = ["2026-11-23T08:40:00Z", "2026-11-22T08:04:00Z"].map((at) =>
    shortTime(at, now, "Europe/Paris"),
  );
  expect(shown.map((text) => text.replace("\u202f", " "))).toEqual(["9:40 AM", "Sun, Nov 22, 9:04 AM"]);
});

test("a moment before midnight of the zone is another day", () => {
  const midnight = new Date("2026-11-22T23:30:00Z");
  expect(shortTime("2026-11-22T22:59:00Z", midnight, "Europe/Paris")).toContain("22 Nov");
  expect(shortTime("2026-11-22T23:00:00Z", midnight, "Europe/Paris")).toBe("00:00");
});

test("the year is the zone's, not that of the browser", () => {
  const now = new Date("2026-01-02T12:00:00Z");
  expect(shortTime("2025-12-31T20:00:00Z", now, "Asia/Tokyo")).toBe("Thu 1 Jan, 05:00");
  expect(shortTime("2026-01-01T02:00:00Z", now, "America/New_York")).toBe("Wed, 31 Dec 2025, 21:00");
});

test("how long ago, in the largest unit that fits", () => {
  const seconds = (n: number) => new Date(now.getTime() - n * 1000);
  expect([4, 30, 200, 7200, 90_000].map((n) => ago(seconds(n), now))).toEqual([
    "now",
    "30 sec ago",
    "3 min ago",
    "2 hr ago",
    "yesterday",
  ]);
  expect(ago(new Date(now.getTime() + 5000), now)).toBe("now");
});

test("durations have their two largest units", () => {
  expect([20, 400, 7500, 900, 7200].map(duration)).toEqual(["20s", "6m 40s", "2h 5m", "15m", "2h"]);
  locale.value = "fr";
  expect(duration(20)).toMatch(/^20\ss$/);
});

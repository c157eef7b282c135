/** Shares and days in words. */
import { moment, NOTHING, number, percent, percentRange } from "@candor/ui/format.ts";
import { t } from "../../texts.ts";
import type { Day, Grain } from "./shapes/days.ts";
import type { Patterns, Share, Standing } from "./shapes/types.ts";

/** Per cent of the API, 0 to 100, as text. */
export const share = (value: number | null): string => percent(value === null ? null : value / 100);

export function interval({ low, high }: Pick<Share, "low" | "high">): string {
  return low === null || high === null ? NOTHING : percentRange(low / 100, high / 100);
}

const dated = (date: string, options: Intl.DateTimeFormatOptions): string =>
  moment(`${date}T00:00:00Z`, options, "UTC");

/** "12 Nov"; of a month "November 2026". */
export function shortDate(date: string, grain: Grain): string {
  return grain === "month"
    ? dated(date, { month: "short", year: "2-digit" })
    : dated(date, { day: "numeric", month: "short" });
}

/** "Thu 12 Nov", "week of 9 Nov", "November 2026". */
export function dayName(date: string, grain: Grain): string {
  if (grain === "month") return dated(date, { month: "long", year: "numeric" });
  if (grain === "week") return t("chart.weekOf", { date: shortDate(date, "week") });
  return dated(date, { weekday: "short", day: "numeric", month: "short" });
}

/** How the value lies against the whole, in words; "" where it doesn't stand out. */
export function standingWords(standing: Standing): string {
  return standing ? t(`chart.standing.${standing}`) : "";
}

/** What is odd of an operator, each beside all of them. */
export function oddWords(read: Patterns | null, operator: string | null): string[] {
  const row = read?.rows.find((each) => each.operator === operator);
  return (row?.odd ?? []).map((each) => {
    const { value, n } = row?.[each] ?? { value: null, n: 0 };
    return t(`odd.${each}`, {
      share: share(value),
      n: number(n),
      all: share(read?.whole[each].value ?? null),
    });
  });
}

/** The name of the ghost line: "4 weeks before". */
export function beforeWords(weeks: number | null, byWeekday: boolean): string {
  const key = weeks === null ? "chart.before" : byWeekday ? "chart.beforeByWeekday" : "chart.beforeWeeks";
  return t(key, { weeks: weeks ?? 0 });
}

/** Everything that is known of a day, in one sentence. */
export function daySentence(day: Day, grain: Grain, before: string, marks = ""): string {
  const said =
    day.value === null
      ? t("chart.day.few", { n: day.rated })
      : t("chart.day.satisfied", { share: share(day.value), interval: interval(day.csat), n: day.rated });
  const parts = [
    dayName(day.date, grain),
    day.isOpen ? t(grain === "day" ? "chart.today" : "chart.running") : "",
    said,
    standingWords(day.standing),
    t("chart.day.closed", { n: day.closed }),
    day.before ? `${before}: ${share(day.before.csat.value)}, n ${day.before.csat.n}` : "",
    marks,
  ];
  return parts.filter(Boolean).join(", ");
}

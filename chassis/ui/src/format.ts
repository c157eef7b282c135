/** Numbers, percentages and times as the reader's language writes them; each formatter is made once. */
import { formatTag } from "./i18n.ts";

const made = new Map<string, unknown>();

function once<T>(kind: string, options: object, make: (tag: string) => T): T {
  const key = `${kind} ${formatTag.value} ${JSON.stringify(options)}`;
  const known = made.get(key) as T | undefined;
  if (known !== undefined) return known;
  const fresh = make(formatTag.value);
  made.set(key, fresh);
  return fresh;
}

/** What stands where there is nothing to divide by. */
export const NOTHING = "—";

/** A number with `digits` behind the point; "—" for null. */
export function number(value: number | null | undefined, digits = 0): string {
  if (value == null) return NOTHING;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return once("number", options, (tag) => new Intl.NumberFormat(tag, options)).format(value);
}

/** A number for little room: "2,000", "150K". */
export function compact(value: number): string {
  if (value < 10_000) return number(value);
  const options = { notation: "compact" } as const;
  return once("number", options, (tag) => new Intl.NumberFormat(tag, options)).format(value);
}

/** A share of 1 as whole percent, "87%" or "87 %"; "—" for null. */
export function percent(share: number | null | undefined): string {
  if (share == null) return NOTHING;
  const options = { style: "percent", maximumFractionDigits: 0 } as const;
  return once("percent", options, (tag) => new Intl.NumberFormat(tag, options)).format(share);
}

/** Two shares of 1 as percent without the sign, "83–90". */
export function percentRange(from: number, to: number): string {
  return `${number(from * 100)}–${number(to * 100)}`;
}

/** A moment by `Intl.DateTimeFormat`'s options, in `zone` (the reader's unless given). */
export function moment(at: string | Date, options: Intl.DateTimeFormatOptions, zone?: string): string {
  const whole = zone ? { ...options, timeZone: zone } : options;
  return once("date", whole, (tag) => new Intl.DateTimeFormat(tag, whole)).format(new Date(at));
}

/** "09:42", "9:42 AM" */
export function timeOfDay(at: string | Date, zone?: string): string {
  return moment(at, SHORT, zone);
}

const SHORT: Intl.DateTimeFormatOptions = { timeStyle: "short" };

/** Where a day has 24 hours, each has two digits. */
function hourDigits(): "numeric" | "2-digit" {
  const format = once("date", SHORT, (tag) => new Intl.DateTimeFormat(tag, SHORT));
  return format.resolvedOptions().hour12 ? "numeric" : "2-digit";
}

/** Date and time in full, for titles: "23 November 2026 at 09:42:18". */
export function exactTime(at: string | Date, zone?: string): string {
  return moment(at, { dateStyle: "long", timeStyle: "medium" }, zone);
}

/** "09:42" on the day of `now`, else "Sun 22 Nov, 17:04", with the year when it is another. */
export function shortTime(at: string | Date, now: Date, zone?: string): string {
  const yearOf = (each: string | Date) => moment(each, { year: "numeric" }, zone);
  const day = (each: string | Date) =>
    moment(each, { year: "numeric", month: "numeric", day: "numeric" }, zone);
  if (day(at) === day(now)) return timeOfDay(at, zone);
  const year = yearOf(at) === yearOf(now) ? {} : ({ year: "numeric" } as const);
  return moment(
    at,
    { weekday: "short", day: "numeric", month: "short", hour: hourDigits(), minute: "2-digit", ...year },
    zone,
  );
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "3 min ago"; for less than ten seconds "now". */
export function ago(at: string | Date, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - new Date(at).getTime()) / 1000);
  const options = { style: "short", numeric: "auto" } as const;
  const format = once("ago", options, (tag) => new Intl.RelativeTimeFormat(tag, options));
  const [unit, size] = STEPS.find(([, length]) => seconds >= length) ?? ["second", 1];
  return seconds < 10 ? format.format(0, "second") : format.format(-Math.floor(seconds / size), unit);
}

/** How long, in its two largest units, the second only if there is any of it: "6m 40s", "2h 5m", "15m". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = {
    hour: Math.floor(whole / 3600),
    minute: Math.floor((whole % 3600) / 60),
    second: whole % 60,
  };
  const shown = parts.hour
    ? (["hour", "minute"] as const)
    : parts.minute
      ? (["minute", "second"] as const)
      : (["second"] as const);
  const told = shown.filter((unit, at) => at === 0 || parts[unit] > 0);
  return told.map((unit) => measured(parts[unit], unit)).join(" ");
}

function measured(value: number, unit: "hour" | "minute" | "second" | "day"): string {
  // French puts a blank before every unit; Intl's narrow one does not.
  const unitDisplay = formatTag.value.startsWith("fr") ? "short" : "narrow";
  const options = { style: "unit", unit, unitDisplay } as const;
  return once("unit", options, (tag) => new Intl.NumberFormat(tag, options)).format(value);
}

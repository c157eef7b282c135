/** What the page shows, as its address says it: defaults are left out, keys stand in a fixed order. */
import { computed, signal } from "@preact/signals";

export const RATED = ["satisfied", "unsatisfied"] as const;
export const UNRATED = [
  "declined",
  "expired",
  "pending",
  "scheduled",
  "undecided",
  "cancelled",
  "undeliverable",
  "not_offered",
] as const;
/** The parts of all closes, in the order of the bar. */
export const PARTS = [...RATED, ...UNRATED] as const;
export type Part = (typeof PARTS)[number];

export const PRESETS = ["4-weeks", "30-days", "week", "last-week", "month", "last-month"] as const;
export type Preset = (typeof PRESETS)[number];
export const GRAINS = ["day", "week", "month"] as const;
export type Grain = (typeof GRAINS)[number];
export const STATUSES = ["new", "in_work", "done"] as const;
/** What a close has besides its channel and operator: any number of words each. */
export const KINDS = ["team", "tag", "locale"] as const;
export type Kind = (typeof KINDS)[number];
/** What makes a close one of an operator's. */
export const VIEWS = ["counts_for", "took_part"] as const;
export const TABS = ["channels", "reasons", "hours", "versions"] as const;
export type Tab = (typeof TABS)[number];

export interface Address {
  /** A preset, or the first day of a range of one's own, "2026-11-01". */
  from: Preset | (string & {});
  /** The day after the last; null with a preset. */
  to: string | null;
  zone: string;
  /** What the period is about: when closes were closed, or first rated. */
  axis: "closed_at" | "rated_at";
  vs: "previous" | "none";
  channel: readonly string[];
  operator: readonly string[];
  team: readonly string[];
  tag: readonly string[];
  locale: readonly string[];
  /** Whether closes that count for nobody are asked for. */
  nobody: boolean;
  /** Which parts the list of reviews shows; empty for all. */
  state: readonly Part[];
  /** Scores that the list shows, on `scale` ("stars:1:5"). */
  score: readonly number[];
  scale: string | null;
  comment: boolean;
  /** Words that comments in the list hold. */
  q: string;
  /** How far supervisors are with the closes of the list. */
  status: (typeof STATUSES)[number] | null;
  grain: Grain | null;
  view: (typeof VIEWS)[number];
  tab: Tab;
  /** The versions of the form that are compared; null for the newest, and the one before. */
  version: number | null;
  vsVersion: number | null;
  /** Whether the groups with too few ratings are open. */
  few: boolean;
  /** The close in the drawer, "<dialog>.<close_seq>". */
  review: string | null;
}

export const defaults = (zone: string): Address => ({
  from: "4-weeks",
  to: null,
  zone,
  axis: "closed_at",
  vs: "previous",
  channel: [],
  operator: [],
  team: [],
  tag: [],
  locale: [],
  nobody: false,
  state: [],
  score: [],
  scale: null,
  comment: false,
  q: "",
  status: null,
  grain: null,
  view: "counts_for",
  tab: "channels",
  version: null,
  vsVersion: null,
  few: false,
  review: null,
});

/** What the API takes. */
export const LONGEST_SEARCH = 200;
export const LONGEST_WORD = 200;
const MOST_VALUES = 30;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const SHORT: Record<string, readonly Part[]> = { given: RATED, unrated: UNRATED };

/** The address that a query means; what it doesn't understand is as if it weren't there. */
export function parse(query: string, ownZone: string): Address {
  const read = new URLSearchParams(query);
  const one = <V extends string>(key: string, among: readonly V[]): V | undefined =>
    among.find((each) => each === read.get(key));
  const to = day(read.get("to"));
  const from = day(read.get("from"));
  const isRange = from !== null && to !== null && from < to;
  return {
    from: isRange ? from : (one("from", PRESETS) ?? "4-weeks"),
    to: isRange ? to : null,
    zone: knownZone(read.get("zone")) ?? ownZone,
    axis: one("axis", ["rated_at"]) ?? "closed_at",
    vs: one("vs", ["none"]) ?? "previous",
    channel: read.getAll("channel").filter(Boolean),
    operator: read.getAll("operator").filter(Boolean),
    team: wordsOf("team", read.getAll("team")),
    tag: wordsOf("tag", read.getAll("tag")),
    locale: wordsOf("locale", read.getAll("locale")),
    nobody: read.get("nobody") === "yes",
    state: partsOf(read.getAll("state")),
    score: read.getAll("score").filter(Boolean).map(Number).filter(Number.isInteger),
    scale: read.get("scale"),
    comment: read.get("comment") === "yes",
    q: (read.get("q") ?? "").trim().slice(0, LONGEST_SEARCH),
    status: one("status", STATUSES) ?? null,
    grain: one("grain", GRAINS) ?? null,
    view: one("view", VIEWS) ?? "counts_for",
    tab: one("tab", TABS) ?? "channels",
    version: ordinal(read.get("version")),
    vsVersion: ordinal(read.get("vs-version")),
    few: read.get("few") === "open",
    review: /^[\w-]+\.\d+$/.test(read.get("review") ?? "") ? read.get("review") : null,
  };
}

/** The query of an address, "" if all is as by default; the zone stands in every other, for who gets a copy. */
export function format(address: Address, ownZone: string): string {
  const usual = defaults(ownZone);
  const write = new URLSearchParams();
  const put = (key: keyof Address, value: string | null): void => {
    if (value !== null && address[key] !== usual[key]) write.append(key, value);
  };
  put("from", address.from);
  put("to", address.to);
  const putAll = (key: "channel" | "operator" | Kind): void => {
    for (const each of address[key]) write.append(key, each);
  };
  put("axis", address.axis);
  put("vs", address.vs);
  putAll("channel");
  putAll("operator");
  put("nobody", "yes");
  putAll("team");
  for (const each of shortened(address.state)) write.append("state", each);
  for (const each of address.score) write.append("score", String(each));
  put("scale", address.scale);
  put("comment", "yes");
  putAll("tag");
  putAll("locale");
  put("q", address.q);
  put("status", address.status);
  put("grain", address.grain);
  put("view", address.view);
  put("tab", address.tab);
  if (address.version !== null) write.append("version", String(address.version));
  if (address.vsVersion !== null) write.append("vs-version", String(address.vsVersion));
  put("few", "open");
  put("review", address.review);
  const rest = write.toString();
  if (!rest && address.zone === ownZone) return "";
  return `?${rest}${rest && "&"}zone=${encodeURIComponent(address.zone).replaceAll("%2F", "/")}`;
}

/** The parts without or with one: rated and unrated ones are never shown together but as "all". */
export function toggled(state: readonly Part[], part: Part): readonly Part[] {
  if (state.includes(part)) return state.filter((each) => each !== part);
  const kind: readonly Part[] = (RATED as readonly Part[]).includes(part) ? RATED : UNRATED;
  return PARTS.filter((each) => each === part || (kind.includes(each) && state.includes(each)));
}

export function sameParts(some: readonly Part[], others: readonly Part[]): boolean {
  return some.length === others.length && some.every((each) => others.includes(each));
}

/** A word as the API takes it; null if it is none. */
export function wordOf(kind: Kind, text: string): string | null {
  const word = text.trim();
  if (!word || word.length > LONGEST_WORD) return null;
  if (kind !== "locale") return word;
  try {
    return Intl.getCanonicalLocales(word)[0] ?? null;
  } catch {
    return null;
  }
}

/** Each word once, as many as the API takes. */
export function wordsOf(kind: Kind, texts: readonly string[]): readonly string[] {
  const words = texts.map((each) => wordOf(kind, each)).filter((each) => each !== null);
  return [...new Set(words)].slice(0, MOST_VALUES);
}

function partsOf(words: readonly string[]): readonly Part[] {
  const meant = new Set<string>(words.flatMap((each): readonly string[] => SHORT[each] ?? [each]));
  const parts = PARTS.filter((each) => meant.has(each));
  const rated = parts.filter((each) => (RATED as readonly Part[]).includes(each));
  return rated.length ? rated : parts;
}

function shortened(state: readonly Part[]): readonly string[] {
  const word = Object.keys(SHORT).find((each) => sameParts(state, SHORT[each] ?? []));
  return word ? [word] : PARTS.filter((each) => state.includes(each));
}

function ordinal(text: string | null): number | null {
  return text && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null;
}

/** Chromium takes the 30th of February for the 2nd of March. */
function day(text: string | null): string | null {
  return text && DAY.test(text) && !Number.isNaN(Date.parse(text)) && plusDays(text, 0) === text
    ? text
    : null;
}

/** Browsers also know distances from UTC ("+05:30"), which are no zones of the API, and names in any case. */
function knownZone(zone: string | null): string | null {
  if (!zone || /^[+-]/.test(zone)) return null;
  try {
    const known = new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
    return known.toLowerCase() === zone.toLowerCase() ? known : zone;
  } catch {
    return null;
  }
}

/** The first day of the period and the day after its last, in the address's zone. */
export function range(address: Address, now: Date): { from: string; to: string } {
  if (address.to) return { from: address.from, to: address.to };
  const today = dayIn(address.zone, now);
  const tomorrow = plusDays(today, 1);
  const first = `${today.slice(0, 8)}01`;
  const monday = plusDays(today, -((new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7));
  switch (address.from) {
    case "30-days":
      return { from: plusDays(today, -29), to: tomorrow };
    case "week":
      return { from: monday, to: tomorrow };
    case "last-week":
      return { from: plusDays(monday, -7), to: monday };
    case "month":
      return { from: first, to: tomorrow };
    case "last-month":
      return { from: `${plusDays(first, -1).slice(0, 8)}01`, to: first };
    default:
      return { from: plusDays(today, -27), to: tomorrow };
  }
}

/** The day of a moment in a zone, "2026-11-23". */
export function dayIn(zone: string, at: Date): string {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(at);
}

export function plusDays(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** How the period is cut unless somebody chose: days up to 62 of them, weeks to a year, then months. */
export function grainOf(address: Address, { from, to }: { from: string; to: string }): Grain {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  return address.grain ?? (days <= 62 ? "day" : days <= 366 ? "week" : "month");
}

/** The browser's; of one that doesn't know its own ("Etc/Unknown") UTC. */
export const ownZone = (): string => knownZone(Intl.DateTimeFormat().resolvedOptions().timeZone) ?? "UTC";

const query = signal("");
/** The present address. */
export const address = computed(() => parse(query.value, ownZone()));

/** Takes the address from the browser, also whenever somebody goes back. */
export function readAddress(): void {
  query.value = location.search;
}

/** Changes the address: a new entry of the history, unless it only moves on in the drawer. */
export function go(next: Partial<Address>, how: "push" | "replace" = "push"): void {
  const search = format({ ...address.value, ...next }, ownZone());
  if (search === location.search) return;
  const url = location.pathname + search;
  if (how === "push") history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  query.value = search;
}

/** Without what narrows the counted closes and the list; the period stays, by the time of closing. */
export const UNFILTERED = {
  axis: "closed_at",
  channel: [],
  operator: [],
  nobody: false,
  team: [],
  tag: [],
  locale: [],
  state: [],
  score: [],
  scale: null,
  comment: false,
  q: "",
} as const satisfies Partial<Address>;

/** Whether anything but the days narrows what is counted. */
export function isFiltered(now: Address): boolean {
  const words = [now.channel, now.operator, ...KINDS.map((kind) => now[kind])];
  return words.some((each) => each.length > 0) || now.nobody || now.axis === "rated_at";
}

/** What the page has read: each panel by itself, kept when a later read fails, read again when more was counted. */
import { client, data } from "@candor/ui/api.ts";
import { type Connection, follow } from "@candor/ui/live.ts";
import { asProblem, mayPass, type Problem } from "@candor/ui/problems.ts";
import { token } from "@candor/ui/session.ts";
import { effect, type Signal, signal } from "@preact/signals";
import type { components, paths } from "../api.gen.d.ts";
import { type Address, address, grainOf, KINDS, type Kind, type Part, RATED, range } from "./address.ts";
import { readStory, story } from "./close-story.ts";

type Schemas = components["schemas"];
export type Summary = Schemas["Summary"];
export type Operators = Schemas["Operators"];
export type Patterns = Schemas["Patterns"];
export type Channels = Schemas["Channels"];
export type Hours = Schemas["Hours"];
export type Distribution = Schemas["Distribution"];
export type TimeMarks = Schemas["TimeMarks"];
export type FormVersions = Schemas["FormVersions"];
export type Review = Schemas["Review"];
export type ReviewCounts = Schemas["ReviewCounts"];
export type CloseDetails = Schemas["CloseDetails"];
export type Change = Schemas["Change"];
export type Freshness = Pick<Schemas["Changed"], "position" | "as_of" | "behind_seconds">;

export interface Panel<D> {
  data: D | null;
  /** When `data` was read. */
  readAt: Date | null;
  /** Why the last read failed; null if it didn't. */
  problem: Problem | null;
}

const unread = <D>(): Signal<Panel<D>> => signal<Panel<D>>({ data: null, readAt: null, problem: null });
export const summary = unread<Summary>();
export const operators = unread<Operators>();
/** What is odd of operators; null too for periods that nobody can ask about. */
export const patterns = unread<Patterns | null>();
export const channels = unread<Channels>();
export const hours = unread<Hours>();
export const distribution = unread<Distribution>();
/** What happened when, on the time axis. */
export const marks = unread<TimeMarks>();
export const formVersions = unread<FormVersions>();
export const counts = unread<ReviewCounts>();
export const reviews = unread<Listed>();
/** Comments that were looked at for the list; null without a search. */
export const searched = signal<number | null>(null);
export const details = unread<CloseDetails>();
/** All that can be chosen, whatever is chosen now. */
export const everyChannel = unread<Channels>();
export const everyOperator = unread<Operators>();

/** How many reads that somebody asked for take long. */
export const slowReads = signal(0);
export const freshness = signal<Freshness | null>(null);
export const connection = signal<{ state: Connection; since: Date; isRefused: boolean }>({
  state: "connecting",
  since: new Date(),
  isRefused: false,
});

type Words = Readonly<Record<Kind, readonly string[]>>;
/** The teams, tags and languages of the reviews that were read so far: there is no list of all. */
export const seen = signal<Words>({ team: [], tag: [], locale: [] });

export function withWords(before: Words, rows: readonly Review[]): Words {
  const more = (kind: Kind, words: readonly (string | null)[]): readonly string[] =>
    [...new Set([...before[kind], ...words.filter((each) => each !== null)])].sort((one, other) =>
      one.localeCompare(other),
    );
  return {
    team: more(
      "team",
      rows.map((each) => each.team),
    ),
    tag: more(
      "tag",
      rows.flatMap((each) => each.tags),
    ),
    locale: more(
      "locale",
      rows.map((each) => each.locale),
    ),
  };
}

const see = (rows: readonly Review[]): void => {
  seen.value = withWords(seen.value, rows);
};

/** The rows of the list; `newer` are those that came since, in whose place a button stands. */
export interface Listed {
  rows: readonly Review[];
  newer: readonly Review[];
  next: string | null;
}

const PAGE = 25;
const LONGEST_PAGE = 200;
/** Between two reads of what changed. */
const PAUSE_MS = 1000;
const PAUSE_FACTOR = 4;
/** Between two tries of what could not be read. */
const RETRY_MS = 10_000;
/** Patterns change slowly, and cost more than all the rest. */
const PATTERNS_AGAIN_MS = 600_000;
const LONGEST_OF_PATTERNS_MS = 93 * 86_400_000;
/** After which a read is said to be under way. */
const SLOW_MS = 300;
const api = client<paths>("", token);

/** The query of a filter, as the API takes it. */
export function filterOf(now: Address, at: Date) {
  return {
    ...range(now, at),
    tz: now.zone,
    channel: [...now.channel],
    operator: [...now.operator],
    team: [...now.team],
    tag: [...now.tag],
    locale: [...now.locale],
    ...(now.nobody ? { nobody: true } : {}),
    ...(now.axis === "rated_at" ? { axis: now.axis } : {}),
  };
}

/** Which closes the list shows, as the API takes it. */
export function listFilterOf(now: Address) {
  const rated = now.state.filter((each) => (RATED as readonly Part[]).includes(each));
  const isOneOfRated = rated.length === 1;
  const state = rated.length
    ? ["given" as const]
    : (now.state as readonly Exclude<Part, "satisfied" | "unsatisfied">[]);
  return {
    state: [...state],
    ...(isOneOfRated ? { satisfied: rated[0] === "satisfied" } : {}),
    ...(now.comment ? { with_comment: true } : {}),
    ...(now.score.length ? { score: [...now.score] } : {}),
    ...(now.scale ? { scale: now.scale } : {}),
    ...(now.status ? { status: [now.status] } : {}),
    ...(now.q ? { text: now.q } : {}),
  };
}

const reviewsOf = (now: Address) => ({ ...filterOf(now, new Date()), ...listFilterOf(now) });

export const keyOf = (review: { dialog: string; close_seq: number }): string =>
  `${review.dialog}.${review.close_seq}`;

/** By which the list is ordered; a close that isn't rated has no other than that of its closing. */
export const momentOf = (review: Review, axis: Address["axis"]): string =>
  (axis === "rated_at" && review.given_at) || review.closed_at;

/** Rows that stay where they are, in their present state; what isn't among them yet is newer. */
export function merged(
  shown: Listed,
  fresh: readonly Review[],
  next: string | null,
  axis: Address["axis"] = "closed_at",
): Listed {
  const present = new Map(fresh.map((each) => [keyOf(each), each]));
  const known = new Set(shown.rows.map(keyOf));
  const last = fresh.at(-1);
  const oldest = last ? momentOf(last, axis) : "";
  const isBeyond = (each: Review): boolean =>
    next !== null && !present.has(keyOf(each)) && momentOf(each, axis) < oldest;
  const rows = shown.rows.flatMap((each) => present.get(keyOf(each)) ?? (isBeyond(each) ? each : []));
  if (!rows.length) return { rows: fresh, newer: [], next };
  const newest = fresh.filter((each) => !known.has(keyOf(each)));
  return { rows, newer: newest, next: rows.some(isBeyond) ? shown.next : next };
}

/** Puts the newer rows into the list. */
export function showNewer(): void {
  const { data } = reviews.value;
  if (!data) return;
  const { axis } = address.value;
  const rows = [...data.newer, ...data.rows].sort((one, other) =>
    momentOf(other, axis).localeCompare(momentOf(one, axis)),
  );
  reviews.value = { ...reviews.value, data: { ...data, rows, newer: [] } };
}

/** Reads the next page of the list. */
export async function showMore(): Promise<void> {
  const before = reviews.value.data;
  if (!before?.next) return;
  const asked = reviewsOf(address.value);
  await into(reviews, async () => {
    const page = await data(
      api.GET("/v1/live-chat/reviews", {
        params: { query: { ...asked, cursor: before.next ?? "", limit: PAGE } },
      }),
    );
    see(page.reviews);
    if (page.searched !== null) searched.value = (searched.value ?? 0) + page.searched;
    return { ...before, rows: [...before.rows, ...page.reviews], next: page.next_cursor };
  });
}

const asking = new Map<Signal<unknown>, number>();

/** Reads into a panel; a read that was overtaken by another is dropped. */
async function into<D>(panel: Signal<Panel<D>>, read: () => Promise<D>): Promise<void> {
  const turn = (asking.get(panel) ?? 0) + 1;
  asking.set(panel, turn);
  const isLast = (): boolean => asking.get(panel) === turn;
  try {
    const found = await read();
    if (isLast()) panel.value = { data: found, readAt: new Date(), problem: null };
  } catch (error) {
    if (isLast()) panel.value = { ...panel.value, problem: asProblem(error) };
  }
}

export async function readSummary(): Promise<void> {
  const now = address.value;
  const query = filterOf(now, new Date());
  const asked = {
    ...query,
    by: grainOf(now, query),
    ...(now.vs === "previous" ? { vs: "previous" as const } : {}),
  };
  await into(summary, () => data(api.GET("/v1/live-chat/summary", { params: { query: asked } })));
}

export async function readOperators(): Promise<void> {
  const { view } = address.value;
  const query = { ...filterOf(address.value, new Date()), ...(view === "took_part" ? { view } : {}) };
  await into(operators, () => data(api.GET("/v1/live-chat/operators", { params: { query } })));
}

let patternsAsked = 0;

export function isTooLongForPatterns(): boolean {
  const { from, to } = range(address.value, new Date());
  return Date.parse(to) - Date.parse(from) > LONGEST_OF_PATTERNS_MS;
}

async function readPatterns(): Promise<void> {
  const query = filterOf(address.value, new Date());
  const isTooLong = isTooLongForPatterns();
  patternsAsked = performance.now();
  await into(patterns, async () =>
    isTooLong ? null : data(api.GET("/v1/live-chat/patterns", { params: { query } })),
  );
}

export async function readBreakdown(): Promise<void> {
  const query = filterOf(address.value, new Date());
  await Promise.all([
    into(channels, () => data(api.GET("/v1/live-chat/channels", { params: { query } }))),
    into(hours, () => data(api.GET("/v1/live-chat/hours", { params: { query } }))),
    into(distribution, () => data(api.GET("/v1/live-chat/distribution", { params: { query } }))),
  ]);
}

export async function readMarks(): Promise<void> {
  const { from, to, tz, channel } = filterOf(address.value, new Date());
  const query = { from, to, tz, channel };
  await into(marks, () => data(api.GET("/v1/live-chat/marks", { params: { query } })));
}

/** The versions of the one channel that is chosen, while they are shown. */
export async function readVersions(): Promise<void> {
  const now = address.value;
  if (now.tab !== "versions" || now.channel.length !== 1) return;
  const query = {
    ...filterOf(now, new Date()),
    ...(now.version ? { version: now.version } : {}),
    ...(now.vsVersion ? { vs_version: now.vsVersion } : {}),
  };
  await into(formVersions, () => data(api.GET("/v1/live-chat/form-versions", { params: { query } })));
}

async function readChoices(): Promise<void> {
  const query = { ...range(address.value, new Date()), tz: address.value.zone };
  await Promise.all([
    into(everyChannel, () => data(api.GET("/v1/live-chat/channels", { params: { query } }))),
    into(everyOperator, () => data(api.GET("/v1/live-chat/operators", { params: { query } }))),
  ]);
}

/** Reads the list: anew, or what is shown and what is newer. */
export async function readReviews(how: "anew" | "again" = "again"): Promise<void> {
  const asked = reviewsOf(address.value);
  await into(reviews, async () => {
    const before = how === "again" ? reviews.value.data : null;
    const limit = Math.min(LONGEST_PAGE, Math.max(PAGE, before?.rows.length ?? 0));
    const page = await data(
      api.GET("/v1/live-chat/reviews", { params: { query: { ...asked, limit, counts: true } } }),
    );
    see(page.reviews);
    searched.value = page.searched;
    if (page.counts) counts.value = { data: page.counts, readAt: new Date(), problem: null };
    const fresh = { rows: page.reviews, newer: [], next: page.next_cursor };
    const shown = reviews.value.data;
    return before && shown ? merged(shown, page.reviews, page.next_cursor, asked.axis) : fresh;
  });
}

/** Reads the close in the drawer; that of another is not shown meanwhile. */
export async function readDetails(): Promise<void> {
  const key = address.value.review;
  if (!key) return;
  const [dialog = "", seq = ""] = key.split(".");
  if (details.value.data && keyOf(details.value.data) !== key) {
    details.value = { data: null, readAt: null, problem: null };
  }
  const path = { dialog, close_seq: Number(seq) };
  await into(details, () => data(api.GET("/v1/live-chat/closes/{dialog}/{close_seq}", { params: { path } })));
}

/** Reads everything again, what is shown stays until then. */
export async function readAgain(): Promise<void> {
  await Promise.all([
    readSummary(),
    readMarks(),
    readOperators(),
    readBreakdown(),
    readVersions(),
    readReviews(),
    readDetails(),
    readChoices(),
  ]);
  if (performance.now() - patternsAsked > PATTERNS_AGAIN_MS) void readPatterns();
}

/** Reads whatever the address asks for, and again whenever more was counted; until the returned function is called. */
export function keepReading(): () => void {
  const ends = [
    whenever((now) => [now.from, now.to, now.zone], readChoices),
    whenever((now) => [now.from, now.to, now.zone, now.channel], readMarks),
    whenever((now) => [counted(now), now.vs, now.grain], readSummary),
    whenever((now) => [counted(now), now.view], readOperators),
    whenever(
      (now) => [counted(now)],
      async () => {
        // What was odd under another filter says nothing under this one.
        patterns.value = { data: null, readAt: null, problem: null };
        await readBreakdown();
        void readPatterns();
      },
    ),
    whenever((now) => [counted(now), now.tab === "versions", now.version, now.vsVersion], readVersions),
    whenever(
      (now) => [counted(now), now.state, now.score, now.scale, now.comment, now.q, now.status],
      () => readReviews("anew"),
    ),
    whenever((now) => [now.review], readDetails),
    following(),
    retrying(),
  ];
  return () => {
    for (const end of ends) end();
  };
}

const counted = (now: Address) => [
  ...[now.from, now.to, now.zone, now.axis, now.channel, now.operator, now.nobody],
  ...KINDS.map((kind) => now[kind]),
];

function whenever(asked: (now: Address) => unknown, read: () => Promise<void>): () => void {
  let before = "";
  return effect(() => {
    const now = JSON.stringify(asked(address.value));
    if (now === before) return;
    before = now;
    void said(read());
  });
}

/** Says that a read is under way once it takes long. */
async function said(reading: Promise<void>): Promise<void> {
  const isSlow = Symbol();
  const first = await Promise.race([reading, new Promise((over) => setTimeout(over, SLOW_MS, isSlow))]);
  if (first !== isSlow) return;
  slowReads.value += 1;
  try {
    await reading;
  } finally {
    slowReads.value -= 1;
  }
}

/** Whether what failed is tried again by itself. */
export const isRetried = ({ problem }: Panel<unknown>): boolean => problem !== null && mayPass(problem);

/** Reads again what could not be read by something that may pass, every few seconds and when the network is back. */
function retrying(): () => void {
  const panels: [Signal<Panel<unknown>>, () => Promise<void>][] = [
    [summary, readSummary],
    [marks, readMarks],
    [operators, readOperators],
    [channels, readBreakdown],
    [hours, readBreakdown],
    [distribution, readBreakdown],
    [formVersions, readVersions],
    [patterns, readPatterns],
    [reviews, () => readReviews()],
    [details, readDetails],
    [story, readStory],
    [everyChannel, readChoices],
    [everyOperator, readChoices],
  ];
  const retry = (): void => {
    if (document.hidden) return;
    const failed = panels.filter(([panel]) => isRetried(panel.value)).map(([, read]) => read);
    for (const read of new Set(failed)) void read();
  };
  const ticking = setInterval(retry, RETRY_MS);
  addEventListener("online", retry);
  return () => {
    clearInterval(ticking);
    removeEventListener("online", retry);
  };
}

/** Reads again whatever was counted since the summary was read: the stream tells each position once. */
function following(): () => void {
  let told: string | null = null;
  let reading = false;
  const isBehind = (): boolean => {
    const { data: shown, problem } = summary.peek();
    return told !== null && shown !== null && problem === null && told !== shown.position;
  };
  const read = async (): Promise<void> => {
    if (reading || document.hidden || !isBehind()) return;
    reading = true;
    const began = performance.now();
    try {
      await readAgain();
    } finally {
      // The more a read costs the service, the less often it is asked for.
      const pause = Math.max(PAUSE_MS, PAUSE_FACTOR * (performance.now() - began));
      setTimeout(() => {
        reading = false;
        void read();
      }, pause);
    }
  };
  const look = (): void => void read();
  document.addEventListener("visibilitychange", look);
  const unsubscribe = summary.subscribe(look);
  const end = follow<Freshness>({
    address: "/v1/live-chat/changes",
    token,
    changed: (now) => {
      freshness.value = now;
      told = now.position;
      look();
    },
    state: (state, refusal) => {
      const isRefused = refusal !== undefined;
      if (connection.value.state !== state) connection.value = { state, since: new Date(), isRefused };
    },
  });
  return () => {
    end();
    unsubscribe();
    document.removeEventListener("visibilitychange", look);
  };
}

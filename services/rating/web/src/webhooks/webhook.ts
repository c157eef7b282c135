/** A webhook while it is edited: what was changed, what somebody else changed, and what is wrong with it. */
import type { components } from "../api.gen.d.ts";

type Schemas = components["schemas"];
export type Webhook = Schemas["WebhookView"];
export type Draft = Schemas["WebhookBody"];
export type Event = Draft["events"][number];
export type Delivery = Schemas["DeliveryView"];
export type DeliveryState = Delivery["state"];

/** In the order in which they come about. */
export const EVENTS = ["not_offered", "offered", "given", "changed", "expired"] as const;
export const FIELDS = ["url", "events", "channels", "score_at_or_below", "enabled"] as const;
export type Field = (typeof FIELDS)[number];

/** What is wrong, by field, as a code of `wrong.<code>`; `id` is that of a webhook that is new. */
export type Wrong = Readonly<Partial<Record<Field | "id", string>>>;

const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const LONGEST_URL = 2_000;
/** The highest score of all scales. */
export const HIGHEST_SCORE = 10;

export function newDraft(): Draft {
  return { url: "", events: ["given", "changed"], channels: [], score_at_or_below: null, enabled: true };
}

export function draftOf({ url, events, channels, score_at_or_below, enabled }: Webhook): Draft {
  return { url, events, channels, score_at_or_below, enabled };
}

/** Where two drafts differ; channels and events in whatever order. */
export function differences(one: Draft, other: Draft): Field[] {
  return FIELDS.filter((field) => plain(one, field) !== plain(other, field));
}

/** `onto` with what `changed` has changed of `base`: what two people changed, each elsewhere. */
export function rebased(base: Draft, changed: Draft, onto: Draft): Draft {
  const mine = differences(base, changed).map((field) => [field, changed[field]]);
  return { ...onto, ...Object.fromEntries(mine) };
}

function plain(draft: Draft, field: Field): string {
  const value = draft[field];
  return JSON.stringify(
    Array.isArray(value) ? [...value].sort() : field === "url" ? draft.url.trim() : value,
  );
}

/** What the service would refuse, before it is asked. */
export function wrongIn(draft: Draft, id: string): Wrong {
  return {
    ...(ID.test(id) ? {} : { id: "id" }),
    ...(isAddress(draft.url) ? {} : { url: "url" }),
    ...(draft.events.length > 0 ? {} : { events: "events" }),
    ...(isScore(draft.score_at_or_below) ? {} : { score_at_or_below: "score" }),
  };
}

/** The fields of a refusal, by their codes. */
export function wrongBy(fields: readonly { field: string; code: string }[]): Wrong {
  const told = fields.map(({ field, code }) => [field.split(".")[1], code] as const);
  return Object.fromEntries(told.filter(([field]) => field && (FIELDS as readonly string[]).includes(field)));
}

function isAddress(text: string): boolean {
  try {
    const { protocol, username, password, hash } = new URL(text.trim());
    return /^https?:$/.test(protocol) && !username && !password && !hash && text.trim().length <= LONGEST_URL;
  } catch {
    return false;
  }
}

function isScore(score: number | null): boolean {
  return score === null || (Number.isInteger(score) && score >= 0 && score <= HIGHEST_SCORE);
}

/** "crm.example:8443", "" if there is none yet. */
export function hostOf(url: string): string {
  try {
    return new URL(url.trim()).host;
  } catch {
    return "";
  }
}

/** What is known of a webhook here that the list, which follows, may not have yet: null if it was deleted. */
export type Own = ReadonlyMap<string, Webhook | null>;

/** The list with what was saved and deleted on this page; `deleted` are listed until the service has followed. */
export function withOwn(listed: readonly Webhook[], own: Own): Webhook[] {
  const others = listed.filter(({ webhook, version }) => {
    const mine = own.get(webhook);
    return mine === undefined || (mine !== null && version >= mine.version);
  });
  const kept = new Set(others.map(({ webhook }) => webhook));
  const mine = [...own.values()].filter((each) => each !== null && !kept.has(each.webhook)) as Webhook[];
  return [...others, ...mine].sort((one, other) => (one.webhook < other.webhook ? -1 : 1));
}

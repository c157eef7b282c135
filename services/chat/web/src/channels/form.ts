/** A channel while it is edited: what was changed, and what is wrong with it. */
import type { components } from "../api.gen.d.ts";

export type Channel = components["schemas"]["ChannelView"];
type Body = components["schemas"]["ChannelBody"];

/** Field errors by the field's place: `name`, `locales.0`, `allowed_origins.2`. */
export type Wrong = Readonly<Record<string, string>>;
export const FIELDS = ["channel", "name", "allowed_origins", "locales", "time_zone", "closed"] as const;
export type Field = (typeof FIELDS)[number];
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const LONGEST_NAME = 200;

export function newChannel(time_zone: string): Channel {
  return { channel: "", name: "", locales: [], allowed_origins: [], time_zone, closed: false, version: 0 };
}

/** Where a channel differs from how it was saved. */
export function changed(saved: Channel, edited: Channel): Field[] {
  const plain = (channel: Channel, field: Field): string => JSON.stringify(cleaned(channel)[field]);
  return FIELDS.filter((field) => plain(saved, field) !== plain(edited, field));
}

/** The edited channel on top of what somebody else made of it meanwhile: theirs, but for what was changed here. */
export function rebased(saved: Channel, edited: Channel, now: Channel): Channel {
  const mine = changed(saved, edited).map((field) => [field, edited[field]]);
  return { ...now, ...Object.fromEntries(mine) };
}

/** As it is sent: without empty rows, and origins and tags in the form that browsers give them. */
export function cleaned(channel: Channel): Channel {
  return {
    ...channel,
    name: channel.name.trim(),
    allowed_origins: channel.allowed_origins.map((each) => originOf(each) ?? each.trim()).filter(Boolean),
    locales: channel.locales.map((each) => tagOf(each) ?? each.trim()).filter(Boolean),
  };
}

export function bodyOf(channel: Channel): Body {
  const { channel: _, version: __, ...body } = cleaned(channel);
  return body;
}

/** What is wrong, by the codes that the service has for it; `known` are the ids that there are already. */
export function wrongIn(edited: Channel, known: ReadonlySet<string> | null): Wrong {
  const wrong: Record<string, string> = {};
  if (known && !ID.test(edited.channel)) wrong.channel = "not-an-id";
  else if (known?.has(edited.channel)) wrong.channel = "given-twice";
  const name = edited.name.trim();
  if (name === "") wrong.name = "required";
  if ([...name].length > LONGEST_NAME) wrong.name = "too-long";
  if (!isTimeZone(edited.time_zone)) wrong.time_zone = "timezone-unknown";
  rows(edited.allowed_origins, originOf, "allowed_origins", "not-an-origin", wrong);
  rows(edited.locales, tagOf, "locales", "not-a-language-tag", wrong);
  return wrong;
}

function rows(
  texts: readonly string[],
  read: (text: string) => string | null,
  field: string,
  code: string,
  wrong: Record<string, string>,
): void {
  const before = new Set<string>();
  texts.forEach((text, at) => {
    if (text.trim() === "") return;
    const value = read(text);
    if (value === null) wrong[`${field}.${at}`] = code;
    else if (before.has(value)) wrong[`${field}.${at}`] = "given-twice";
    else before.add(value);
  });
}

/** "https://school.example" for what somebody copied from the address bar's beginning; null for more than a site. */
export function originOf(text: string): string | null {
  try {
    const { origin, protocol, pathname, search, hash, username } = new URL(text.trim());
    const bare = pathname === "/" && search === "" && hash === "" && username === "";
    return bare && /^https?:$/.test(protocol) ? origin : null;
  } catch {
    return null;
  }
}

/** The tag in BCP 47's canonical form, null for what is none. */
export function tagOf(text: string): string | null {
  try {
    return Intl.getCanonicalLocales(text.trim())[0] ?? null;
  } catch {
    return null;
  }
}

function isTimeZone(zone: string): boolean {
  try {
    return zone !== "" && Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}

/** What a site puts into its pages to have the widget. */
export function embedding(chat: string, channel: string): string {
  return `<script src="${chat}/widget.js" data-channel="${channel}" async></script>`;
}

/** What the site's Content Security Policy has to allow for it, if it has one. */
export function policy(chat: string, rating: string): string {
  return [`script-src ${chat};`, `connect-src ${chat};`, `frame-src ${rating};`].join("\n");
}

/** The errors that a service found, by the page's fields. */
export function wrongBy(errors: readonly { field: string; code: string }[]): Wrong {
  return Object.fromEntries(errors.map(({ field, code }) => [field.replace(/^(body|path)\./, ""), code]));
}

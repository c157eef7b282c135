/** The settings of a channel: their parts, what differs between two versions, and how changes are put together. */
import type { components } from "../api.gen.d.ts";

type Schemas = components["schemas"];
export type View = Schemas["QualityControlView"];

/** What the default has for a channel's id: no channel has it. */
export const DEFAULT = "";

export function isDefault({ channel }: Pick<View, "channel">): boolean {
  return channel === DEFAULT;
}

export type Settings = Schemas["ChannelSettings"];
export type Written = Schemas["WrittenTexts"];
export type ScaleName = Settings["scale"]["name"];
export type TextName = keyof Written;
export type Entry = Schemas["VersionEntry"];
export type Channel = Schemas["ChannelEntry"];
export type Colours = Schemas["FormColoursView"];
export type DryRun = Schemas["DryRunView"];

export const DURATIONS = ["cool_down", "delay", "expiry", "edit_window", "offer_window"] as const;
export type DurationName = (typeof DURATIONS)[number];
export type Eligibility = Settings["eligibility"];
export const DEMANDS = [
  "closed_by",
  "needs_reply",
  "least_client_messages",
  "least_operator_messages",
  "least_text",
  "skips_spam",
  "skips_labels",
  "share",
  "reopened",
] as const;
/** What is demanded of a close; how long after an offer a dialog is asked again belongs to `reopened`. */
export type Demand = (typeof DEMANDS)[number];
export type CountName = "least_client_messages" | "least_operator_messages" | "least_text" | "share";
export const KINDS = ["operator", "client", "idle", "system"] as const;
export type Kind = (typeof KINDS)[number];
/** Those that every form shows: where nothing is written, what is built in. */
export const ALWAYS = ["question", "low_end", "high_end", "comment", "thanks"] as const;
export const TEXTS = [...ALWAYS, "thanks_satisfied", "thanks_unsatisfied", "expired"] as const;
export const NONE = Object.fromEntries(TEXTS.map((name) => [name, null])) as unknown as Written;

export const SECTIONS = ["ask", "when", "what", "words", "how", "history"] as const;
export type Section = (typeof SECTIONS)[number];

/** The sections of a channel's settings, or of the default's, which has no history. */
export function sectionsOf(view: Pick<View, "channel">): readonly Section[] {
  return isDefault(view) ? SECTIONS.filter((name) => name !== "history") : SECTIONS;
}

export const LISTS = ["tags", "follow_ups"] as const;
export type List = (typeof LISTS)[number];
export type Tag = Settings["tags"][number];
export type FollowUp = Settings["follow_ups"][number];

/** A part of the settings that is shown, changed and compared by itself: `texts.fr.question` is one, too. */
export type Part =
  | "enabled"
  | DurationName
  | `eligibility.${Demand}`
  | "scale"
  | "satisfied"
  | "comment"
  | List
  | "names_operator"
  | "accent"
  | "reminder"
  | "ways"
  | "alert"
  | "form_webhook"
  | `texts.${string}`;

/** In which section a part stands. */
export function sectionOf(part: Part): Section {
  if (part === "enabled" || part === "cool_down" || demandOf(part)) return "ask";
  if (["scale", "satisfied", "comment", "names_operator", "accent", ...LISTS].includes(part)) return "what";
  if (part === "ways" || part === "alert" || part === "form_webhook") return "how";
  return part.startsWith("texts.") ? "words" : "when";
}

/** The locales that are shown: the channel's, the default first, then others that something is written in. */
export function localesOf(view: Pick<View, "locales" | "default_locale">, settings: Settings): string[] {
  return [...new Set([view.default_locale, ...view.locales, ...Object.keys(settings.texts)])];
}

/** The parts in which two settings differ, in the order of the page. */
export function differences(before: Settings, after: Settings): Part[] {
  const locales = new Set([...Object.keys(before.texts), ...Object.keys(after.texts)]);
  const texts = [...locales].flatMap((locale) => TEXTS.map((name): Part => `texts.${locale}.${name}`));
  const parts: Part[] = [
    "enabled",
    ...DEMANDS.map((name): Part => `eligibility.${name}`),
    "cool_down",
    "delay",
    "expiry",
    "edit_window",
    "reminder",
    "offer_window",
    "scale",
    "satisfied",
    "comment",
    ...LISTS,
    "names_operator",
    "accent",
    ...texts,
    "ways",
    "alert",
    "form_webhook",
  ];
  return parts.filter((part) => key(before, part) !== key(after, part));
}

/** `onto` with the parts that `changed` has changed of `base`: what two people changed, each elsewhere. */
export function rebased(base: Settings, changed: Settings, onto: Settings): Settings {
  return differences(base, changed).reduce((settings, part) => taken(settings, changed, part), onto);
}

/** `settings` with one part as it is in `from`. */
export function taken(settings: Settings, from: Settings, part: Part): Settings {
  if (part === "satisfied") return { ...settings, scale: from.scale };
  const demand = demandOf(part);
  if (demand) {
    const { once_within } = demand === "reopened" ? from.eligibility : settings.eligibility;
    return demanding(settings, { [demand]: from.eligibility[demand], once_within });
  }
  if (part.startsWith("texts.")) {
    const [locale, name] = textOf(part);
    return written(settings, locale, name, from.texts[locale]?.[name] ?? null);
  }
  return { ...settings, [part]: from[part as Exclude<keyof Settings, "eligibility" | "texts">] };
}

/** The demand that a part is; null if it is none. */
export function demandOf(part: Part): Demand | null {
  return part.startsWith("eligibility.") ? (part.slice("eligibility.".length) as Demand) : null;
}

/** How long a form has waited when it is sent by e-mail, in seconds; null if it never is. */
export function mailedAfter({ ways }: Settings): number | null {
  return ways.find(({ way }) => way === "email")?.after ?? null;
}

/** How long a form has waited when it goes to the channel's own system, in seconds; null if it never does. */
export function webhookAfter({ ways }: Settings): number | null {
  return ways.find(({ way }) => way === "webhook")?.after ?? null;
}

/** Whether forms appear in the widget. */
export function inWidget({ ways }: Settings): boolean {
  return ways.some(({ way }) => way === "widget");
}

/** `settings` with these ways, the widget first, the channel's own system last; one is always left. */
export function withWays(
  settings: Settings,
  widget: boolean,
  mailed: number | null,
  webhook: number | null = webhookAfter(settings),
): Settings {
  const ways: Settings["ways"] = widget ? [{ way: "widget", after: 0 }] : [];
  if (mailed !== null) ways.push({ way: "email", after: mailed });
  if (webhook !== null) ways.push({ way: "webhook", after: webhook });
  const reminder = mailed === null ? null : settings.reminder;
  return ways.length > 0 ? { ...settings, ways, reminder } : settings;
}

/** `settings` with an alert of such scores alone as don't satisfy. */
export function lowered(settings: Settings): Settings {
  const { alert, scale } = settings;
  if (!alert || alert.at_or_below < scale.satisfied_from) return settings;
  return { ...settings, alert: { ...alert, at_or_below: scale.satisfied_from - 1 } };
}

/** `settings` with other demands on a close. */
export function demanding(settings: Settings, demands: Partial<Eligibility>): Settings {
  return { ...settings, eligibility: { ...settings.eligibility, ...demands } };
}

/** `settings` with a text written in a locale; an empty one gives way to what stands in for it. */
export function written(settings: Settings, locale: string, name: TextName, text: string | null): Settings {
  const texts = { ...(settings.texts[locale] ?? NONE), [name]: text?.trim() ? text : null };
  return { ...settings, texts: { ...settings.texts, [locale]: texts } };
}

/** The locale and the name of a text's part. */
export function textOf(part: Part): [string, TextName] {
  const [, locale = "", name = "question"] = part.split(".");
  return [locale, name as TextName];
}

/** The settings as they are sent: without locales in which nothing is written, or spaces around a text. */
export function sent(settings: Settings): Settings {
  const texts = Object.entries(settings.texts)
    .map(([locale, each]): [string, Written] => [locale, trimmed(each)])
    .filter(([, each]) => TEXTS.some((name) => each[name]));
  return {
    ...settings,
    texts: Object.fromEntries(texts),
    tags: named(settings.tags.filter(isWritten)),
    follow_ups: named(settings.follow_ups.filter(isWritten)).map((question) => ({
      ...question,
      options: named(question.options.filter(isWritten)),
    })),
  };
}

interface Named {
  id: string;
  texts: Record<string, string>;
}

/** What is new has an id that nothing saved can have. */
export const NEW = "new_";

let made = 0;

/** An id for what is new, until it is sent. */
export function newId(): string {
  made += 1;
  return `${NEW}${made}`;
}

export function isWritten({ texts }: Named): boolean {
  return Object.values(texts).some((text) => text.trim());
}

/** Each with an id for good, made of its text, and without texts that are empty. */
function named<T extends Named>(list: T[]): T[] {
  const taken = new Set(list.map(({ id }) => id));
  return list.map((each) => {
    const texts: Record<string, string> = Object.fromEntries(
      Object.entries(each.texts)
        .map(([locale, text]): [string, string] => [locale, text.trim()])
        .filter(([, text]) => text),
    );
    if (!each.id.startsWith(NEW)) return { ...each, texts };
    const id = free(slug(Object.values(texts)[0] ?? ""), taken);
    taken.add(id);
    return { ...each, id, texts };
  });
}

/** "Had to repeat myself" as had-to-repeat-myself; "" if it has no Latin letter. */
function slug(text: string): string {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40);
}

function free(wanted: string, taken: ReadonlySet<string>): string {
  for (let number = wanted ? 1 : 0; ; number += 1) {
    const id = number === 1 && wanted ? wanted : `${wanted || "choice"}-${number + (wanted ? 0 : 1)}`;
    if (!taken.has(id)) return id;
  }
}

/** What a reader of `locale` sees of a text that is written by locale. */
export function inLanguage(texts: Record<string, string>, ranges: readonly string[]): string {
  const found = ranges.find((each) => texts[each]?.trim());
  return (found && texts[found]) || (Object.values(texts).find((text) => text.trim()) ?? "");
}

/** The settings with another scale, from those that are saved: who looks at one scale after another moves nothing. */
export function rescaled(before: Settings, { settings: saved, scales }: View, name: ScaleName): Settings {
  const { mode } = before.comment;
  const { lowest } = scales.find((scale) => scale.name === saved.scale.name) ?? { lowest: 1 };
  const required_at_or_below =
    mode === "required" ? (saved.comment.required_at_or_below ?? lowest + 1) : null;
  const comment = { ...before.comment, required_at_or_below };
  const { tags, alert } =
    saved.scale.name === before.scale.name ? before : onScale(before, saved.scale.name, scales);
  return onScale({ ...before, tags, alert, scale: saved.scale, comment }, name, scales);
}

/** The settings with another scale: what stood on the old one is put where it means the same. */
function onScale(settings: Settings, name: ScaleName, scales: View["scales"]): Settings {
  const [old, next] = [settings.scale.name, name].map((each) => scales.find((scale) => scale.name === each));
  if (!old || !next || old === next) return settings;
  const moved = (score: number): number => {
    const share = (score - old.lowest) / (old.highest - old.lowest);
    return next.lowest + Math.round(share * (next.highest - next.lowest));
  };
  const { required_at_or_below: at } = settings.comment;
  const tags = settings.tags.map((tag) => ({
    ...tag,
    lowest: moved(tag.lowest),
    highest: moved(tag.highest),
  }));
  const alert = settings.alert && { ...settings.alert, at_or_below: moved(settings.alert.at_or_below) };
  return lowered({
    ...settings,
    tags,
    alert,
    scale: { name, satisfied_from: Math.max(next.lowest + 1, moved(settings.scale.satisfied_from)) },
    comment: { ...settings.comment, required_at_or_below: at === null ? null : moved(at) },
  });
}

function trimmed(texts: Written): Written {
  return Object.fromEntries(TEXTS.map((name) => [name, texts[name]?.trim() || null])) as Written;
}

function key(settings: Settings, part: Part): string {
  if (part === "scale") return settings.scale.name;
  if (part === "satisfied") return String(settings.scale.satisfied_from);
  if (part === "comment") {
    const { mode, required_at_or_below: at } = settings.comment;
    return mode === "required" ? `${mode} ${at}` : mode;
  }
  const demand = demandOf(part);
  if (demand === "reopened") {
    const { reopened, once_within } = settings.eligibility;
    return reopened === "once_within" ? `${reopened} ${once_within}` : reopened;
  }
  if (demand) return JSON.stringify(settings.eligibility[demand]);
  if (part.startsWith("texts.")) {
    const [locale, name] = textOf(part);
    return settings.texts[locale]?.[name]?.trim() ?? "";
  }
  return JSON.stringify(settings[part as Exclude<keyof Settings, "eligibility" | "texts">]);
}

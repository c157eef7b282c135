/** The settings of a channel: their parts, what differs between two versions, and how changes are put together. */
import type { components } from "../api.gen.d.ts";

type Schemas = components["schemas"];
export type View = Schemas["QualityControlView"];
export type Settings = Schemas["ChannelSettings"];
export type Written = Schemas["WrittenTexts"];
export type ScaleName = Settings["scale"]["name"];
export type TextName = keyof Written;
export type Entry = Schemas["VersionEntry"];
export type Channel = Schemas["ChannelEntry"];

export const DURATIONS = ["cool_down", "delay", "expiry", "edit_window", "offer_window"] as const;
export type DurationName = (typeof DURATIONS)[number];
export const TEXTS = ["question", "low_end", "high_end", "comment", "thanks"] as const;
export const NONE: Written = { question: null, low_end: null, high_end: null, comment: null, thanks: null };

export const SECTIONS = ["ask", "when", "what", "words", "history"] as const;
export type Section = (typeof SECTIONS)[number];

/** A part of the settings that is shown, changed and compared by itself: `texts.fr.question` is one, too. */
export type Part = "enabled" | DurationName | "scale" | "satisfied" | "comment" | `texts.${string}`;

/** In which section a part stands. */
export function sectionOf(part: Part): Section {
  if (part === "enabled" || part === "cool_down") return "ask";
  if (part === "scale" || part === "satisfied" || part === "comment") return "what";
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
    "cool_down",
    "delay",
    "expiry",
    "edit_window",
    "offer_window",
    "scale",
    "satisfied",
    "comment",
    ...texts,
  ];
  return parts.filter((part) => key(before, part) !== key(after, part));
}

/** `onto` with the parts that `changed` has changed of `base`: what two people changed, each elsewhere. */
export function rebased(base: Settings, changed: Settings, onto: Settings): Settings {
  return differences(base, changed).reduce((settings, part) => taken(settings, changed, part), onto);
}

/** `settings` with one part as it is in `from`. */
export function taken(settings: Settings, from: Settings, part: Part): Settings {
  if (part === "scale" || part === "satisfied") return { ...settings, scale: from.scale };
  if (part === "comment") return { ...settings, comment: from.comment };
  if (part.startsWith("texts.")) {
    const [locale, name] = textOf(part);
    return written(settings, locale, name, from.texts[locale]?.[name] ?? null);
  }
  return { ...settings, [part]: from[part as "enabled" | DurationName] };
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
  return { ...settings, texts: Object.fromEntries(texts) };
}

/** The settings with another scale, from those that are saved: who looks at one scale after another moves nothing. */
export function rescaled(before: Settings, { settings: saved, scales }: View, name: ScaleName): Settings {
  const { mode } = before.comment;
  const { lowest } = scales.find((scale) => scale.name === saved.scale.name) ?? { lowest: 1 };
  const required_at_or_below =
    mode === "required" ? (saved.comment.required_at_or_below ?? lowest + 1) : null;
  const comment = { ...before.comment, required_at_or_below };
  return onScale({ ...before, scale: saved.scale, comment }, name, scales);
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
  return {
    ...settings,
    scale: { name, satisfied_from: Math.max(next.lowest + 1, moved(settings.scale.satisfied_from)) },
    comment: { ...settings.comment, required_at_or_below: at === null ? null : moved(at) },
  };
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
  if (part.startsWith("texts.")) {
    const [locale, name] = textOf(part);
    return settings.texts[locale]?.[name]?.trim() ?? "";
  }
  return String(settings[part as "enabled" | DurationName]);
}

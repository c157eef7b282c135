/** What a reader sees where nothing is written: the same order as the service's (RFC 4647, lookup). */
import { t } from "../texts.ts";
import { isDefault, type Settings, type TextName, type View } from "./settings.ts";

export interface Shown {
  text: string;
  /** Where it is from: the locale in which it is written, or is built in. */
  locale: string;
  builtIn: boolean;
}

type Known = Pick<View, "channel" | "default_locale" | "built_in_texts">;

/** The text that a reader of `locale` sees. */
export function shown(view: Known, settings: Settings, locale: string, name: TextName): Shown {
  const ranges = rangesOf(view, locale);
  for (const each of ranges) {
    const text = settings.texts[each]?.[name]?.trim();
    if (text) return { text, locale: each, builtIn: false };
  }
  // Where there is no thanks for an outcome, there is the one for any; where a time is over, the page's own words.
  if (name === "thanks_satisfied" || name === "thanks_unsatisfied")
    return shown(view, settings, locale, "thanks");
  if (name === "expired") return { text: t("words.expired"), locale, builtIn: true };
  for (const each of [...ranges, "en"]) {
    const text = view.built_in_texts[each]?.[name];
    if (text) return { text, locale: each, builtIn: true };
  }
  return { text: "", locale: "en", builtIn: true };
}

/** The locales in which a text is looked for, for a reader of `locale`; which channel's it will be, no default knows. */
export function rangesOf(view: Pick<View, "channel" | "default_locale">, locale: string): string[] {
  return isDefault(view) ? lookup(locale) : [...lookup(locale), ...lookup(view.default_locale)];
}

/** A locale, then ever more general ones: zh-Hant-TW, zh-Hant, zh. */
export function lookup(locale: string): string[] {
  const parts = locale.split("-");
  const found: string[] = [];
  while (parts.length > 0) {
    found.push(parts.join("-"));
    parts.pop();
    if (parts.at(-1)?.length === 1) parts.pop();
  }
  return found;
}

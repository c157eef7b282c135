/** The widget's texts, and which language it speaks. */
import { texts } from "@candor/ui/i18n.ts";
import type en from "./messages/en.json";

export const t = texts<typeof en>({
  en: () => import("./messages/en.json?messages"),
  ru: () => import("./messages/ru.json?messages"),
  fr: () => import("./messages/fr.json?messages"),
  ar: () => import("./messages/ar.json?messages"),
});

const KNOWN: readonly string[] = ["en", "ru", "fr", "ar"];

/** The first of these language tags that the widget has texts for; English if it has none. */
export function languageOf(tags: readonly (string | null | undefined)[]): string {
  const languages = tags.map((tag) => tag?.split("-")[0]?.toLowerCase() ?? "");
  return languages.find((language) => KNOWN.includes(language)) ?? "en";
}

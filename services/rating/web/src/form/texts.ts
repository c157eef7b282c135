/** The form's own words; what a channel has written comes with the form. */
import { locale, preferred, speak, texts } from "@candor/ui/i18n.ts";
import type en from "./messages/en.json";

export const LOCALES = ["en", "ru", "fr", "ar"] as const;

export const t = texts<typeof en>({
  en: () => import("./messages/en.json?messages"),
  ru: () => import("./messages/ru.json?messages"),
  fr: () => import("./messages/fr.json?messages"),
  ar: () => import("./messages/ar.json?messages"),
});

/** Speaks the first of the wanted languages that there is, else one of the browser's. */
export async function speakOneOf(...wanted: (string | null | undefined)[]): Promise<void> {
  const languages = wanted.map((tag) => tag?.split("-")[0]?.toLowerCase() ?? "");
  const found = languages.find((language) => LOCALES.some((each) => each === language));
  const next = found ?? preferred(LOCALES);
  if (next !== locale.value || !t("title")) await speak(next);
  document.title = t("title");
}

/** The words of the page that stops mails, in the languages of the mails. */
import { texts } from "@candor/ui/i18n.ts";
import type en from "./messages/en.json";

export const LOCALES = ["en", "ru", "fr", "ar"] as const;

export const t = texts<typeof en>({
  en: () => import("./messages/en.json?messages"),
  ru: () => import("./messages/ru.json?messages"),
  fr: () => import("./messages/fr.json?messages"),
  ar: () => import("./messages/ar.json?messages"),
});

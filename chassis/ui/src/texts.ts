/** The texts that all pages share. */
import type en from "../messages/en.json";
import { texts } from "./i18n.ts";

export const t = texts<typeof en>({
  en: () => import("../messages/en.json?messages"),
  ru: () => import("../messages/ru.json?messages"),
  fr: () => import("../messages/fr.json?messages"),
});

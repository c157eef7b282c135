/** The texts of the webhooks' page. */
import { texts } from "@candor/ui/i18n.ts";
import type en from "./messages/en.json";

export const t = texts<typeof en>({
  en: () => import("./messages/en.json?messages"),
  ru: () => import("./messages/ru.json?messages"),
  fr: () => import("./messages/fr.json?messages"),
});

/** The texts that all pages share; marked pure, so that a widget that shows none of them does not load them. */
import type en from "../messages/en.json";
import { texts } from "./i18n.ts";

export const t = /* @__PURE__ */ texts<typeof en>({
  en: () => import("../messages/en.json?messages"),
  ru: () => import("../messages/ru.json?messages"),
  fr: () => import("../messages/fr.json?messages"),
});

/** Texts that more than one of this room's pages shows: what the service refuses. */
import { texts } from "@candor/ui/i18n.ts";
import { type Problem, sentence } from "@candor/ui/problems.ts";
import type en from "../messages/en.json";

export const t = texts<typeof en>({
  en: () => import("../messages/en.json?messages"),
  ru: () => import("../messages/ru.json?messages"),
  fr: () => import("../messages/fr.json?messages"),
});

/** The sentence for a problem of chat's. */
export function problemText(problem: Problem): string {
  return sentence(problem, t);
}

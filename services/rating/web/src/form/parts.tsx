/** What several moments of the form have. */
import type { Problem } from "@candor/ui/problems.ts";
import type { JSX } from "preact";
import type { Form } from "./form.ts";
import { t } from "./texts.ts";

/** What a service refused, in a sentence of the form's own. */
export function Refusal({ problem }: { problem: Problem }): JSX.Element {
  return (
    <p class="refusal" role="alert">
      {refusalText(problem)}
    </p>
  );
}

export function refusalText(problem: Problem): string {
  const key = `problem.${problem.code}` as "problem.offline";
  return t(key, problem.facts) || t("problem.refused", { code: problem.code });
}

const OF_RIGHT_TO_LEFT =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** The same of reasons, follow-up questions and options: what is not in the form's language stands there in another one. */
export function inItsDirection(form: Form, text: string): { lang?: string; dir: "ltr" | "rtl" } {
  const dir = OF_RIGHT_TO_LEFT.test(text) ? "rtl" : "ltr";
  return form.direction === dir ? ownLanguage(form) : { dir };
}

/** Language and direction of what the channel has written; the page itself may speak another one. */
export function ownLanguage(form: Form): { lang: string; dir: "ltr" | "rtl" } {
  return { lang: form.locale, dir: form.direction };
}

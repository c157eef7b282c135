/** A form, and at which moment of its life it is. */
import type { components } from "../api.gen.d.ts";

type Schemas = components["schemas"];
export type Form = Schemas["FormView"];
export type Answered = Schemas["AnsweredView"];
export type Declined = Schemas["DeclinedView"];
export type Answer = NonNullable<Form["answer"]>;
/** What is sent of an answer. */
export type Sent = Omit<Schemas["AnswerBody"], "token" | "locale">;

export type Moment = "question" | "thanks" | "declined" | "expired" | "withdrawn" | "erased";

/** What is shown of a form; `open` if its client asked to answer it anew. */
export function momentOf(form: Form, now: Date, open: boolean): Moment {
  switch (form.state) {
    case "pending":
      return isBefore(now, form.expires_at) ? "question" : form.expires_at ? "expired" : "erased";
    case "given":
      return open && canChange(form, now) ? "question" : "thanks";
    case "declined":
      if (!form.expires_at) return "erased";
      if (!isBefore(now, form.expires_at)) return "expired";
      return open ? "question" : "declined";
    case "expired":
      return "expired";
    case "cancelled":
      return form.cancelled_reason === "erased" ? "erased" : "withdrawn";
  }
}

export function canChange(form: Form, now: Date): boolean {
  return isBefore(now, form.editable_until);
}

/** Whether the score needs words. */
export function needsComment(form: Form, score: number): boolean {
  const highest = form.comment.required_at_or_below;
  return form.comment.mode === "required" && highest !== null && score <= highest;
}

/** The reasons that the form offers with a score. */
export function tagsWith(form: Form, score: number): Form["tags"] {
  return form.tags.filter(({ lowest, highest }) => lowest <= score && score <= highest);
}

/** What was answered to the follow-up questions: an option's id, or the words. */
export function followUpsOf(answer: Answer | null): Record<string, string> {
  const given = Object.entries(answer?.follow_ups ?? {});
  return Object.fromEntries(given.map(([id, { option, text }]) => [id, option ?? text?.text ?? ""]));
}

/** The scores of the form's scale, the lowest first. */
export function scores({ scale }: Form): number[] {
  return Array.from({ length: scale.highest - scale.lowest + 1 }, (_, step) => scale.lowest + step);
}

/** How long a text is, in Unicode code points as the API counts. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** When what is shown now stops being so by itself; null if it doesn't. */
export function endOf(form: Form, now: Date): Date | null {
  const ends = form.state === "given" ? form.editable_until : form.expires_at;
  return ends && isBefore(now, ends) ? new Date(ends) : null;
}

function isBefore(now: Date, end: string | null): boolean {
  return end !== null && now < new Date(end);
}

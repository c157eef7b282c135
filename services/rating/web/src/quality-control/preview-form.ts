/** The form that a client would see with the settings as they are on the page. */
import { direction } from "@candor/ui/i18n.ts";
import type { Form } from "../form/form.ts";
import { shown } from "./fallbacks.ts";
import { scaleOf } from "./sentences.ts";
import { type Settings, TEXTS, type View } from "./settings.ts";

export const MOMENTS = ["question", "comment", "thanks", "expired"] as const;
export type PreviewMoment = (typeof MOMENTS)[number];

const CHAT_MS = 31 * 60_000;
const COMMENT_LIMIT = 2_000;

/** The form, and the score that is chosen on it. */
export function previewForm(
  view: View,
  settings: Settings,
  locale: string,
  moment: PreviewMoment,
  now: Date,
): { form: Form; score: number | null } {
  const scale = scaleOf(settings, view);
  const at = (ms: number): string => new Date(now.getTime() + ms).toISOString();
  const delay = settings.delay * 1_000;
  const answered = moment === "thanks";
  const expired = moment === "expired";
  // Where a comment is required, the score that needs it: that is what there is to see.
  const score =
    settings.comment.required_at_or_below ?? scale.highest - (scale.highest - scale.lowest > 1 ? 1 : 0);
  const closed = expired ? -delay - settings.expiry * 1_000 : -delay;
  const form: Form = {
    form: "preview",
    token: "",
    dialog: "preview",
    close_seq: 1,
    channel_name: view.name,
    opened_at: at(closed - CHAT_MS),
    closed_at: at(closed),
    locale: shown(view, settings, locale, "question").locale,
    direction: direction(shown(view, settings, locale, "question").locale),
    texts: Object.fromEntries(
      TEXTS.map((name) => [name, shown(view, settings, locale, name).text]),
    ) as Form["texts"],
    scale,
    comment: { ...settings.comment, max_length: COMMENT_LIMIT },
    state: answered ? "given" : expired ? "expired" : "pending",
    expires_at: expired ? null : at(settings.expiry * 1_000),
    editable_until: answered ? at(settings.edit_window * 1_000) : null,
    edit_window: settings.edit_window,
    expired_at: expired ? at(0) : null,
    cancelled_reason: null,
    answer: answered ? { score, comment: null } : null,
  };
  return { form, score: moment === "comment" ? score : null };
}

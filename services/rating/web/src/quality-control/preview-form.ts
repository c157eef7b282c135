/** The form that a client would see with the settings as they are on the page. */
import { direction } from "@candor/ui/i18n.ts";
import type { Form } from "../form/form.ts";
import type { Previewed } from "../form/widget.ts";
import { t } from "../texts.ts";
import { rangesOf, shown } from "./fallbacks.ts";
import { scaleOf } from "./sentences.ts";
import { ALWAYS, inLanguage, isWritten, type Settings, type TextName, type View } from "./settings.ts";

export const MOMENTS = ["question", "comment", "thanks", "expired"] as const;
export type PreviewMoment = (typeof MOMENTS)[number];

const CHAT_MS = 31 * 60_000;
const COMMENT_LIMIT = 2_000;

/** The form, the score that is chosen on it, and the thanks for what is chosen instead. */
export function previewForm(
  view: View,
  settings: Settings,
  locale: string,
  moment: PreviewMoment,
  now: Date,
  colours: Form["colours"] = null,
): Omit<Previewed, "theme"> {
  const scale = scaleOf(settings, view);
  const at = (ms: number): string => new Date(now.getTime() + ms).toISOString();
  const delay = settings.delay * 1_000;
  const answered = moment === "thanks";
  const expired = moment === "expired";
  // Where a comment is required, the score that needs it: that is what there is to see.
  const score =
    settings.comment.required_at_or_below ?? scale.highest - (scale.highest - scale.lowest > 1 ? 1 : 0);
  const closed = expired ? -delay - settings.expiry * 1_000 : -delay;
  const ranges = rangesOf(view, locale);
  const text = (name: TextName): string => shown(view, settings, locale, name).text;
  const texts = Object.fromEntries(ALWAYS.map((name) => [name, text(name)])) as Record<
    (typeof ALWAYS)[number],
    string
  >;
  const thanks = { satisfied: text("thanks_satisfied"), other: text("thanks_unsatisfied") };
  const isSatisfied = score >= settings.scale.satisfied_from;
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
    texts: {
      ...texts,
      thanks: answered ? (isSatisfied ? thanks.satisfied : thanks.other) : texts.thanks,
      expired: settings.texts[shown(view, settings, locale, "expired").locale]?.expired ?? null,
    },
    colours,
    scale,
    comment: { ...settings.comment, max_length: COMMENT_LIMIT },
    tags: settings.tags
      .filter(isWritten)
      .map(({ texts, ...tag }) => ({ ...tag, text: inLanguage(texts, ranges) })),
    follow_ups: settings.follow_ups.filter(isWritten).map(({ id, texts, options }) => ({
      id,
      text: inLanguage(texts, ranges),
      options: options.map((option) => ({ id: option.id, text: inLanguage(option.texts, ranges) })),
    })),
    operator_name: settings.names_operator ? t("preview.operator") : null,
    state: answered ? "given" : expired ? "expired" : "pending",
    expires_at: expired ? null : at(settings.expiry * 1_000),
    editable_until: answered ? at(settings.edit_window * 1_000) : null,
    edit_window: settings.edit_window,
    expired_at: expired ? at(0) : null,
    cancelled_reason: null,
    answer: answered ? { score, comment: null, tags: [], follow_ups: {} } : null,
    test: false,
  };
  const { satisfied_from: satisfied } = settings.scale;
  return { form, score: moment === "comment" ? score : null, satisfied, thanks };
}

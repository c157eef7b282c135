/** What the settings mean, in sentences made from their values; what matters most stands between stars. */
import { number, percent } from "@candor/ui/format.ts";
import { formatTag } from "@candor/ui/i18n.ts";
import { t } from "../texts.ts";
import { asLength } from "./lengths.ts";
import {
  type Demand,
  type DurationName,
  demandOf,
  type Eligibility,
  inWidget,
  isDefault,
  localesOf,
  mailedAfter,
  type Part,
  type Section,
  type Settings,
  textOf,
  type View,
  webhookAfter,
} from "./settings.ts";

/** "15 minutes", in the form that the sentences of the language need. */
export function length(seconds: number): string {
  const { count, unit } = asLength(seconds);
  return t(`length.${unit}`, { count });
}

export function sentenceOf(section: Section, settings: Settings, view: View): string {
  switch (section) {
    case "ask":
      return settings.enabled ? askText(settings) : t("ask.off");
    case "when":
      return t("when.sentence", {
        asked: settings.delay ? t("when.later", { time: length(settings.delay) }) : t("when.atOnce"),
        expiry: length(settings.expiry),
        edit: length(settings.edit_window),
        offer: length(settings.offer_window),
        reminder: settings.reminder === null ? "" : t("when.reminder", { time: length(settings.reminder) }),
      });
    case "what":
      return [
        t("what.sentence", {
          scale: t(settings.scale.name === "points" ? "what.scale.points" : `scale.${settings.scale.name}`),
          satisfied: satisfiedText(settings, view),
          count: satisfiedCount(settings, view),
        }),
        commentText(settings, view),
        settings.tags.length > 0 && t("what.tags", { count: settings.tags.length }),
        settings.follow_ups.length > 0 && t("what.followUps", { count: settings.follow_ups.length }),
        t(settings.names_operator ? "what.operatorNamed" : "what.operatorNotNamed"),
        settings.accent !== null && t("what.accent", { colour: settings.accent }),
      ]
        .filter((each) => each !== false)
        .join(" ");
    case "words": {
      const locales = localesOf(view, settings).length;
      if (isDefault(view)) return t("words.sentenceDefault", { count: locales });
      return t("words.sentence", { count: locales, locale: view.default_locale });
    }
    case "how":
      return [howText(settings), settings.alert && alertText(settings.alert, settings, view)]
        .filter((each) => each !== null)
        .join(" ");
    case "history":
      return t("history.sentence");
  }
}

/** How forms reach their clients. */
function howText(settings: Settings): string {
  const webhook = webhookAfter(settings);
  if (webhook === null) return widgetAndMailText(settings);
  if (!inWidget(settings) && mailedAfter(settings) === null) return t("how.webhook");
  const too = webhook === 0 ? t("how.webhookToo") : t("how.webhookLater", { time: length(webhook) });
  return `${widgetAndMailText(settings)} ${too}`;
}

function widgetAndMailText(settings: Settings): string {
  const mailed = mailedAfter(settings);
  if (mailed === null) return t("how.widget");
  if (!inWidget(settings)) return t("how.mail");
  return mailed === 0 ? t("how.both") : t("how.mailLater", { time: length(mailed) });
}

/** Who is told of which scores. */
function alertText(alert: NonNullable<Settings["alert"]>, settings: Settings, view: View): string {
  return t("how.alert", {
    scores: scores(scaleOf(settings, view).lowest, alert.at_or_below),
    count: alert.to.length,
  });
}

/** Who is asked: a sentence for each rule that says something. */
function askText({ eligibility, cool_down }: Settings): string {
  const { closed_by, share, skips_labels, reopened } = eligibility;
  const skipped = [...(eligibility.skips_spam ? [t("ask.spam")] : []), ...skips_labels.map(quoted)];
  const demands = [
    eligibility.needs_reply && t("demand.reply"),
    eligibility.least_client_messages > 0 && t("demand.client", { count: eligibility.least_client_messages }),
    eligibility.least_operator_messages > 0 &&
      t("demand.operators", { count: eligibility.least_operator_messages }),
    eligibility.least_text > 0 && t("demand.text", { count: eligibility.least_text }),
  ].filter((each) => each !== false);
  const kinds = list(
    closed_by.map((kind) => t(`by.${kind}`)),
    "disjunction",
  );
  return [
    t(demands.length > 0 ? "ask.who" : "ask.anybody", {
      kinds,
      share: share === 100 ? t("ask.all") : t("ask.share", { share: percent(share / 100) }),
      demands: list(demands),
    }),
    skipped.length > 0 && t("ask.never", { skipped: list(skipped, "disjunction") }),
    t(`ask.${reopened}`, { time: length(eligibility.once_within) }),
    cool_down ? t("ask.coolDown", { time: length(cool_down) }) : t("ask.noCoolDown"),
  ]
    .filter((each) => each !== false)
    .join(" ");
}

function list(words: string[], type: Intl.ListFormatOptions["type"] = "conjunction"): string {
  return new Intl.ListFormat(formatTag.value, { type }).format(words);
}

function quoted(label: string): string {
  return t("quoted", { label });
}

/** The scores that count as satisfied: "4 and 5", "7 to 10". */
export function satisfiedText(settings: Settings, view: View): string {
  const scale = scaleOf(settings, view);
  return scores(settings.scale.satisfied_from, scale.highest);
}

/** How many scores of the scale count as satisfied. */
export function satisfiedCount(settings: Settings, view: View): number {
  return scaleOf(settings, view).highest - settings.scale.satisfied_from + 1;
}

function commentText(settings: Settings, view: View): string {
  const { mode, required_at_or_below: at } = settings.comment;
  if (mode === "off") return t("what.commentOff");
  if (mode === "optional" || at === null) return t("what.commentOptional");
  return t("what.commentRequired", { scores: scores(scaleOf(settings, view).lowest, at) });
}

export function scaleOf(settings: Settings, view: Pick<View, "scales">): View["scales"][number] {
  const found = view.scales.find(({ name }) => name === settings.scale.name);
  return found ?? { name: settings.scale.name, lowest: 1, highest: 5 };
}

function scores(from: number, to: number): string {
  if (to - from > 1) return t("scores", { from: number(from), to: number(to) });
  const all = from === to ? [number(from)] : [number(from), number(to)];
  return list(all);
}

/** The name of a part, and the locale if it is a text. */
export function labelOf(part: Part): string {
  if (!part.startsWith("texts.")) return t(`part.${part as "enabled" | DurationName}`);
  const [locale, name] = textOf(part);
  return t("part.text", { name: t(`text.${name}`), locale });
}

/** The value of a part in full: of lists their texts, a line each, in every language, since their lengths may not differ. */
export function wholeText(part: Part, settings: Settings): string {
  // Each in its own direction: else a score after an Arabic text is drawn before it.
  const written = (texts: Record<string, string>): string =>
    Object.values(texts)
      .filter(Boolean)
      .map((text) => `\u2068${text}\u2069`)
      .join(" / ");
  if (part === "tags" && settings.tags.length > 0)
    return settings.tags
      .map(({ texts, lowest, highest }) => `${written(texts)} (${number(lowest)}–${number(highest)})`)
      .join("\n");
  if (part === "follow_ups" && settings.follow_ups.length > 0)
    return settings.follow_ups
      .map(({ texts, options }) => [texts, ...options.map((option) => option.texts)].map(written).join(" · "))
      .join("\n");
  return valueText(part, settings);
}

/** The value of a part, short. */
export function valueText(part: Part, settings: Settings): string {
  if (part === "enabled" || part === "names_operator") return t(settings[part] ? "on" : "off");
  if (part === "tags" || part === "follow_ups") return String(settings[part].length);
  if (part === "scale") return t(`scale.${settings.scale.name}`);
  if (part === "satisfied") return number(settings.scale.satisfied_from);
  const demand = demandOf(part);
  if (demand) return demandText(demand, settings.eligibility);
  if (part === "reminder") return settings.reminder ? length(settings.reminder) : t("value.noReminder");
  if (part === "accent") return settings.accent ?? t("value.ownColour");
  if (part === "ways") return waysText(settings);
  if (part === "alert") {
    const { alert } = settings;
    const told = alert && { score: number(alert.at_or_below), count: alert.to.length, locale: alert.locale };
    return told ? t("value.alert", told) : t("off");
  }
  if (part === "form_webhook") return settings.form_webhook?.url ?? t("value.noAddress");
  if (part === "comment") {
    const { mode, required_at_or_below: at } = settings.comment;
    return mode === "required" ? t("value.required", { score: number(at) }) : t(`comment.${mode}`);
  }
  if (part.startsWith("texts.")) {
    const [locale, name] = textOf(part);
    return settings.texts[locale]?.[name] || t("value.none");
  }
  const seconds = settings[part as DurationName];
  return seconds === 0 ? t(part === "delay" ? "value.atOnce" : "value.noCoolDown") : length(seconds);
}

function demandText(demand: Demand, eligibility: Eligibility): string {
  switch (demand) {
    case "closed_by":
      return list(eligibility.closed_by.map((kind) => t(`kind.${kind}`)));
    case "needs_reply":
    case "skips_spam":
      return t(eligibility[demand] ? "on" : "off");
    case "skips_labels":
      return eligibility.skips_labels.length > 0 ? list(eligibility.skips_labels) : t("value.noLabels");
    case "share":
      return percent(eligibility.share / 100);
    case "reopened":
      return eligibility.reopened === "once_within"
        ? t("value.onceWithin", { time: length(eligibility.once_within) })
        : t(`reopened.${eligibility.reopened}`);
    default:
      return number(eligibility[demand]);
  }
}

function waysText(settings: Settings): string {
  const mailed = mailedAfter(settings);
  const mail = mailed && t("value.mailedAfter", { time: length(mailed) });
  const after = webhookAfter(settings);
  const webhook = after && t("value.webhookAfter", { time: length(after) });
  return list([
    ...(inWidget(settings) ? [t("way.widget")] : []),
    ...(mailed === null ? [] : [mail || t("way.email")]),
    ...(after === null ? [] : [webhook || t("way.webhook")]),
  ]);
}

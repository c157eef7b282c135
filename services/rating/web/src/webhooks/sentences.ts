/** What a webhook does, in words made from its values; what matters most stands between stars. */
import { exactTime, number, shortTime } from "@candor/ui/format.ts";
import { formatTag } from "@candor/ui/i18n.ts";
import { t } from "./texts.ts";
import { type Delivery, type Draft, EVENTS, type Field, hostOf } from "./webhook.ts";

/** How many channels are named before the others are counted. */
const NAMED = 3;

type Names = ReadonlyMap<string, string>;

export function sentenceOf(draft: Draft, names: Names): string {
  if (draft.events.length === 0) return t("sentence.nothing");
  return [
    t("sentence", {
      host: hostOf(draft.url) || t("sentence.somewhere"),
      events: list(
        inOrder(draft).map((event) => t(`when.${event}`)),
        "disjunction",
      ),
      channels: channelsText(draft, names),
    }),
    draft.score_at_or_below !== null &&
      isToldOfAnswers(draft) &&
      t("sentence.score", { score: number(draft.score_at_or_below) }),
    !draft.enabled && t("sentence.off"),
  ]
    .filter((each) => each !== false)
    .join(" ");
}

/** Whether a rule about scores has anything to hold for. */
export function isToldOfAnswers({ events }: Pick<Draft, "events">): boolean {
  return events.includes("given") || events.includes("changed");
}

export function channelsText({ channels }: Pick<Draft, "channels">, names: Names): string {
  if (channels.length === 0) return t("channels.all");
  const named = channels.slice(0, NAMED).map((channel) => nameOf(channel, names).replaceAll("*", "∗"));
  const others = channels.length - named.length;
  return list(others > 0 ? [...named, t("channels.others", { count: others })] : named);
}

export function nameOf(channel: string, names: Names): string {
  return names.get(channel) ?? channel;
}

/** "answers, changed answers" */
export function eventsText(draft: Pick<Draft, "events">): string {
  return inOrder(draft)
    .map((event) => t(`event.${event}`))
    .join(", ");
}

/** The value of a field, short. */
export function valueText(field: Field, draft: Draft, names: Names): string {
  switch (field) {
    case "url":
      return draft.url;
    case "events":
      return eventsText(draft);
    case "channels":
      return channelsText(draft, names);
    case "score_at_or_below":
      return draft.score_at_or_below === null ? t("score.any") : number(draft.score_at_or_below);
    case "enabled":
      return t(draft.enabled ? "state.on" : "state.off");
  }
}

/** What became of a delivery and when, or what becomes of it. */
export function outcomeText({ state, delivered_at, due_at }: Delivery, now: Date): string {
  if (state === "delivered" && delivered_at)
    return t("outcome.delivered", { time: shortTime(delivered_at, now) });
  if (due_at)
    return Date.parse(due_at) <= now.getTime()
      ? t("outcome.now")
      : t("outcome.waiting", { time: shortTime(due_at, now) });
  return t("outcome.failed");
}

/** The moment of `outcomeText`, in full. */
export function outcomeTitle({ delivered_at, due_at }: Delivery): string | undefined {
  const at = due_at ?? delivered_at;
  return at ? exactTime(at) : undefined;
}

/** Why the last attempt failed; "" if none did. */
export function reasonText({ reason, status }: Delivery): string {
  if (reason === null) return "";
  return t(`reason.${reason as "timeout"}`, { status: String(status ?? "") }) || reason;
}

function inOrder({ events }: Pick<Draft, "events">): Draft["events"] {
  return EVENTS.filter((event) => events.includes(event));
}

function list(words: string[], type: Intl.ListFormatOptions["type"] = "conjunction"): string {
  return new Intl.ListFormat(formatTag.value, { type }).format(words);
}

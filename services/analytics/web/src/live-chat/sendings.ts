/** What became of sending a form: sent, reminded, or a way to the client that is closed for good. */
import { t } from "../texts.ts";
import type { CloseStory } from "./close-story.ts";

type Entry = CloseStory["timeline"][number];

const FAILURES = [
  "opted_out",
  "no_address",
  "not_an_address",
  "needs_smtputf8",
  "recipient_refused",
  "message_refused",
  "not_sent_in_time",
  "webhook_gone",
  "webhook_off",
] as const;

/** A sentence for each, in order; kinds and reasons of a newer rating are left out, or have no reason. */
export function sendingsOf(timeline: readonly Entry[], time: (at: string) => string): string[] {
  return timeline.flatMap((entry) => {
    const way = entry.way === "webhook" ? "webhook" : "email";
    switch (entry.kind) {
      case "sent":
        return [t(`sending.sent.${way}`, { time: time(entry.at) })];
      case "reminded":
        return [t("sending.reminded", { time: time(entry.at) })];
      case "delivery_failed":
        return [t(`sending.failed.${way}`, { time: time(entry.at), reason: reasonOf(entry) })];
      default:
        return [];
    }
  });
}

function reasonOf({ failure }: Entry): string {
  const known = FAILURES.find((each) => each === failure);
  return t(known ? `failure.${known}` : "failure.other");
}

/** What a rule of Quality control demanded of a close and what it found, in sentences. */
import { duration, number, percent } from "@candor/ui/format.ts";
import type { components } from "../rating.gen.d.ts";
import { t } from "../texts.ts";

export type Rule = components["schemas"]["RuleView"];
type Facts = Rule["found"];
type Kind = "operator" | "client" | "idle" | "system";
type Way = "widget" | "email" | "webhook";

const DAY_SECONDS = 86_400;

/** A part of a rule, and whether the close failed by it. */
export interface Sentence {
  text: string;
  fails: boolean;
}

/** Of a rule that was looked at: one sentence, or one for each part that demands something. `time` writes a moment. */
export function sentencesOf(rule: Rule, time: (at: string) => string): Sentence[] {
  const { name, demanded, found } = rule;
  if (found.resumes == null && name === "kind_of_close") return kindOfClose(demanded, found);
  if (found.resumes == null && name === "too_short") return tooShort(demanded, found);
  return [{ text: sentenceOf(rule, time), fails: rule.verdict === "failed" }];
}

function sentenceOf({ name, demanded, found, verdict }: Rule, time: (at: string) => string): string {
  if (found.resumes != null) {
    return t("rules.kept", { close: number(count(found.resumes)), reason: nameOf(name) });
  }
  const came = verdict === "failed" ? "failed" : "passed";
  switch (name) {
    case "spam":
      return t(!found.spam ? "rule.spam.no" : came === "failed" ? "rule.spam.yes" : "rule.spam.allowed");
    case "no_reply":
      return t("rule.no_reply", {
        count: count(found.operator_messages),
        isAsked: demanded.needs_reply ? "yes" : "no",
      });
    case "too_late":
      return t("rule.too_late", { age: length(found.age), window: length(demanded.offer_window) });
    case "once_per_dialog":
      return oncePerDialog(demanded, found, time);
    case "sampled_out":
      return sampledOut(demanded, found);
    case "cool_down":
      if (!demanded.cool_down) return t("rule.cool_down.none");
      return t(`rule.cool_down.${came}`, { time: length(demanded.cool_down) });
    case "opted_out":
      if (!found.opted_out) return t("rule.opted_out.no");
      return t(came === "failed" ? "rule.opted_out.yes" : "rule.opted_out.another");
    case "unreachable":
      return t(`rule.unreachable.${came}`, { ways: list(waysOf(demanded, found, came === "failed")) });
    case "reopened":
    case "disabled":
    case "erased":
      return t(`rule.${name}.${came}`);
    default:
      return nameOf(name);
  }
}

/** As the reason that it gives; a rule of a newer rating has no words here but its name. */
export function nameOf(name: Rule["name"]): string {
  return t(`reason.${name}`) || name;
}

function kindOfClose(demanded: Facts, found: Facts): Sentence[] {
  const kinds = texts(demanded.closed_by);
  const kind = found.closed_by as Kind | null;
  const skipped = texts(demanded.skips_labels);
  const labels = texts(found.labels);
  const isSkipped = (label: string): boolean =>
    skipped.some((each) => each.toLowerCase() === label.toLowerCase());
  const ended = {
    text: t("rule.kind_of_close", {
      kind: t(`rule.kind.${kind ?? "unknown"}`),
      kinds: list(kinds.map((each) => t(`rule.kind.${each as Kind}`))),
    }),
    fails: kind !== null && !kinds.includes(kind),
  };
  const marked = {
    text: t("rule.labels", {
      labels: labels.length ? list(labels) : t("rule.labels.none"),
      skipped: list(skipped),
    }),
    fails: labels.some(isSkipped),
  };
  return skipped.length ? [ended, marked] : [ended];
}

/** What is demanded, part by part. */
function tooShort(demanded: Facts, found: Facts): Sentence[] {
  const parts = [
    ["client", "least_client_messages", "client_messages"],
    ["operators", "least_operator_messages", "operator_messages"],
    ["text", "least_text", "longest_text"],
  ] as const;
  const told = parts.flatMap(([part, demand, fact]) => {
    const [least, has] = [count(demanded[demand]), count(found[fact])];
    const text = t(`rule.too_short.${part}`, { n: number(has), least: number(least) });
    return least > 0 ? [{ text, fails: has < least }] : [];
  });
  return told.length ? told : [{ text: t("rule.too_short.any"), fails: false }];
}

/** The ways that the channel uses: all of them where none leads to the client, else those that do. */
function waysOf(demanded: Facts, found: Facts, all: boolean): string[] {
  const leading = texts(found.ways);
  return texts(demanded.ways)
    .filter((way) => all || leading.includes(way))
    .map((way) => t(`rule.way.${way as Way}`));
}

function oncePerDialog(demanded: Facts, found: Facts, time: (at: string) => string): string {
  if (demanded.reopened === "each_close") return t("rule.once.each");
  if (!found.last_asked) return t("rule.once.never");
  const at = time(String(found.last_asked));
  if (demanded.reopened === "once_per_dialog") return t("rule.once.ever", { time: at });
  return t("rule.once.within", { time: at, length: length(demanded.once_within) });
}

/** A draw that is just under a limit must not be written as that limit. */
function sampledOut(demanded: Facts, found: Facts): string {
  const share = count(demanded.share);
  if (share === 100) return t("rule.share.all");
  const drawn = Math.floor(count(found.draw) * 10) / 10;
  return t("rule.share", { share: percent(share / 100), draw: number(drawn, 1) });
}

function length(seconds: Facts[string] | undefined): string {
  const whole = count(seconds);
  const isDays = whole > 0 && whole % DAY_SECONDS === 0;
  return isDays ? t("rules.days", { count: whole / DAY_SECONDS }) : duration(whole);
}

const count = (fact: Facts[string] | undefined): number => Number(fact ?? 0);
const texts = (fact: Facts[string] | undefined): string[] => (Array.isArray(fact) ? fact : []);

/** With commas, as in all three languages; Intl has "and", or nothing, between the last two. */
export const list = (words: readonly string[]): string => words.join(", ");

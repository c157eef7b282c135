/** What channels, operators and filters are called. */
import { formatTag } from "@candor/ui/i18n.ts";
import { t } from "../texts.ts";
import { type Address, KINDS, type Kind } from "./address.ts";
import { channels, everyChannel, everyOperator, operators } from "./data.ts";

export function channelName(id: string): string {
  const rows = [...(everyChannel.value.data?.rows ?? []), ...(channels.value.data?.rows ?? [])];
  return rows.find((each) => each.channel === id)?.name ?? id;
}

export function operatorName(row: { operator: string | null; name: string | null }): string {
  return row.operator === null ? t("operator.nobody") : (row.name ?? row.operator);
}

export function operatorNames(ids: readonly string[], nobody: boolean): string[] {
  const rows = [...(everyOperator.value.data?.rows ?? []), ...(operators.value.data?.rows ?? [])];
  const named = ids.map((id) => rows.find((each) => each.operator === id)?.name ?? id);
  return nobody ? [...named, t("operator.nobody")] : named;
}

export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([formatTag.value], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** "Team first-line". */
export function filterName(kind: Kind, word: string): string {
  return `${t(`filter.${kind}`)} ${kind === "locale" ? languageName(word) : word}`;
}

/** Everything but days, channels and operators that narrows what is counted. */
export function filterNames(now: Address): string[] {
  const words = KINDS.flatMap((kind) => now[kind].map((word) => filterName(kind, word)));
  return now.axis === "rated_at" ? [...words, t("filter.rated")] : words;
}

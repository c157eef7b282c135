/** What channels and operators are called. */
import { t } from "../texts.ts";
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

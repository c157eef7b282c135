/** How the answers on one scale spread over its scores. */
import type { ScaleDistribution } from "./types.ts";

type Group = ScaleDistribution["groups"][number];
export interface ScoreRow extends Group {
  /** 1 to 5 of the colours of satisfaction. */
  colour: number;
}

/** The highest score first. */
export function scoreRows({ lowest, highest, groups }: ScaleDistribution): ScoreRow[] {
  const range = highest - lowest;
  const place = ({ from, to }: Group): number => (range ? ((from + to) / 2 - lowest) / range : 1);
  return groups.map((each) => ({ ...each, colour: 1 + Math.round(4 * place(each)) })).reverse();
}

/** The end of the axis: the highest upper end of an interval, at least 1. */
export const longest = (rows: readonly ScoreRow[]): number =>
  Math.max(1, ...rows.map((each) => each.share.high ?? 0));

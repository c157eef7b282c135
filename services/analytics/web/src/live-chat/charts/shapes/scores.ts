/** How the answers on one scale spread over its scores. */
import type { ScaleNumbers } from "./types.ts";
import { wilson } from "./wilson.ts";

/** One score, or, on long scales, scores from one to another. Percentages are 0 to 100. */
export interface ScoreRow {
  from: number;
  to: number;
  n: number;
  /** Null without answers. */
  share: number | null;
  low: number;
  high: number;
  /** 1 to 5 of the colours of satisfaction. */
  colour: number;
}

const LONGEST = 11;
const GROUPS = 10;

/** The highest score first. */
export function scoreRows({ lowest, highest, n, distribution }: ScaleNumbers): ScoreRow[] {
  const range = highest - lowest;
  const size = range + 1 <= LONGEST ? 1 : Math.ceil((range + 1) / GROUPS);
  const rows: ScoreRow[] = [];
  for (let from = lowest; from <= highest; from += size) {
    const to = Math.min(highest, from + size - 1);
    const count = distribution
      .filter((each) => each.score >= from && each.score <= to)
      .reduce((sum, each) => sum + each.n, 0);
    const { low, high } = wilson(count, n) ?? { low: 0, high: 0 };
    const place = range ? ((from + to) / 2 - lowest) / range : 1;
    rows.push({
      from,
      to,
      n: count,
      share: n ? (100 * count) / n : null,
      low,
      high,
      colour: 1 + Math.round(4 * place),
    });
  }
  return rows.reverse();
}

/** The end of the axis: the highest upper end of an interval, at least 1. */
export const longest = (rows: readonly ScoreRow[]): number => Math.max(1, ...rows.map((each) => each.high));

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

/** As many as the API takes. */
export const MOST_SCORES = 30;

/** A scale as the API takes it. */
export const scaleKey = ({ name, lowest, highest }: ScaleDistribution): string =>
  `${name}:${lowest}:${highest}`;

const scoresOf = ({ from, to }: Group): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

export const isAmong = (row: Group, scores: readonly number[]): boolean =>
  scoresOf(row).every((each) => scores.includes(each));

/** The scores that are chosen on a scale once those of a row are, or no longer are. */
export function withScores(
  scores: readonly number[],
  scale: string,
  row: Group,
  isChosen: boolean,
): { score: readonly number[]; scale: string | null } {
  const own = scoresOf(row);
  const others = scores.filter((each) => !own.includes(each));
  const isTooMany = others.length + own.length > MOST_SCORES;
  const score = isChosen ? [...(isTooMany ? [] : others), ...own].sort((one, other) => one - other) : others;
  return { score, scale: score.length ? scale : null };
}

/** The end of the axis: the highest upper end of an interval, at least 1. */
export const longest = (rows: readonly ScoreRow[]): number =>
  Math.max(1, ...rows.map((each) => each.share.high ?? 0));

/** Why closes have no rating: every such close is in exactly one row. */
import type { Part } from "../../address.ts";
import type { Summary } from "./types.ts";

export type UnratedState = Exclude<Part, "satisfied" | "unsatisfied">;

export interface ReasonRow {
  state: UnratedState;
  n: number;
  /** How it divides where the state has reasons; they add up to `n`. */
  reasons: readonly { reason: string; n: number }[];
}

/** The commonest first; what there is none of is left out. */
export function reasonRows({ unrated }: Pick<Summary, "unrated">): ReasonRow[] {
  const reasons: Partial<Record<string, Record<string, number>>> = {
    not_offered: unrated.not_offered_by_reason,
    cancelled: unrated.cancelled_by_reason,
  };
  return commonest(unrated.by_state).map(([state, n]) => ({
    state: state as UnratedState,
    n,
    reasons: commonest(reasons[state] ?? {}).map(([reason, count]) => ({ reason, n: count })),
  }));
}

function commonest(counts: Record<string, number>): [string, number][] {
  return Object.entries(counts)
    .filter(([, n]) => n > 0)
    .sort(([, one], [, other]) => other - one);
}

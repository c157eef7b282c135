/**
 * The charts of the Live Chat page. Each takes what the API returned, null until it was read (the shape of the
 * final chart stands there meanwhile), and tells by `onFilter` what somebody chose; `go` of the address takes that.
 *
 * - `Satisfaction`: `data` is the summary with buckets of `grain` and, for the ghost line, of the period before.
 * - `Scores`: `data` is the distribution, `whole` the summary.
 * - `Operators`: `data` the operators of a `view`, `patterns` what is odd of them, `whole` the summary of the same
 *   filter; `few` whether the group with too few ratings is open (it is in the address, and so remembered).
 * - `Breakdown`: `tab`, what each tab reads (`channels`, `summary`, `hours`, `versions`), `zone`; `state` are the parts that the
 *   list of reviews shows, `onState` is called with the state of a row of reasons.
 *
 * `minimum` is under how many ratings nothing is said (20 unless said); it is only written, the API decides by it.
 * All of them draw with the patterns of `Textures`, which the page has once. The functions in `shapes/` make from
 * the API's data what is drawn; nothing here computes.
 */
import "./charts.css";
import type { Address } from "../address.ts";

export { Breakdown } from "./breakdown.tsx";
export { Operators } from "./operators.tsx";
export { Satisfaction } from "./satisfaction.tsx";
export { Scores } from "./scores.tsx";

/** What somebody chose: the parts of the address that change. `to` is the date after the last. */
export type Next = Partial<
  Pick<
    Address,
    | "from"
    | "to"
    | "channel"
    | "operator"
    | "nobody"
    | "grain"
    | "view"
    | "tab"
    | "version"
    | "vsVersion"
    | "few"
  >
>;

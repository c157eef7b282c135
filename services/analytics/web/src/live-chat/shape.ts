/** What the page draws, computed from what was read: parts and their widths, the key below them, the sum at the foot. */
import type { Part } from "./address.ts";
import type { Summary } from "./data.ts";

/** Groups of parts in their fixed order. */
export const GROUPS = [
  { name: "rated", parts: ["satisfied", "unsatisfied"] },
  { name: "noAnswer", parts: ["declined", "expired"] },
  { name: "open", parts: ["pending", "scheduled", "undecided"] },
  { name: "fell", parts: ["cancelled", "undeliverable"] },
  { name: "notAsked", parts: ["not_offered"] },
] as const satisfies readonly { name: string; parts: readonly Part[] }[];
export type GroupName = (typeof GROUPS)[number]["name"];

export type PartCounts = Record<Part, number>;

export function partCounts(read: Summary): PartCounts {
  const { declined, expired, pending, scheduled, undecided, cancelled, undeliverable, not_offered } = read;
  const rest = { declined, expired, pending, scheduled, undecided, cancelled, undeliverable, not_offered };
  return { satisfied: read.satisfied, unsatisfied: read.given - read.satisfied, ...rest };
}

/** The order in which the foot adds up. */
export const SUM = [
  "undecided",
  "not_offered",
  "scheduled",
  "pending",
  "given",
  "declined",
  "expired",
  "cancelled",
  "undeliverable",
] as const;

export const addsUp = (read: Summary): boolean =>
  SUM.reduce((sum, each) => sum + read[each], 0) === read.closed;

const BETWEEN_GROUPS = 8;
const BETWEEN_PARTS = 2;
const NARROWEST = 4;

export interface Placed {
  part: Part;
  x: number;
  width: number;
}

/** Where the parts lie in a bar of `width`; each that is there is at least 4 wide, taken from the widest. */
export function placed(counts: PartCounts, width: number): Placed[] {
  const groups = GROUPS.map((group) => group.parts.filter((each) => counts[each] > 0)).filter(
    (each) => each.length,
  );
  const parts = groups.flat();
  if (!parts.length || width <= 0) return [];
  const gaps = (groups.length - 1) * BETWEEN_GROUPS + (parts.length - groups.length) * BETWEEN_PARTS;
  const sum = parts.reduce((all, each) => all + counts[each], 0);
  const widths = new Map(parts.map((each) => [each, ((width - gaps) * counts[each]) / sum]));
  for (const part of parts) {
    const lacks = NARROWEST - (widths.get(part) ?? 0);
    if (lacks <= 0) continue;
    const widest = parts.reduce((one, other) =>
      (widths.get(other) ?? 0) > (widths.get(one) ?? 0) ? other : one,
    );
    widths.set(part, NARROWEST);
    widths.set(widest, (widths.get(widest) ?? 0) - lacks);
  }
  let x = 0;
  return groups.flatMap((group, at) => {
    if (at) x += BETWEEN_GROUPS;
    return group.map((part, within) => {
      if (within) x += BETWEEN_PARTS;
      const here = { part, x, width: widths.get(part) ?? 0 };
      x += here.width;
      return here;
    });
  });
}

export interface KeyColumn {
  name: GroupName;
  /** Where the column begins, and how wide it is at most. */
  x: number;
  width: number;
  /** The line from the bar; empty for a group without closes. */
  elbow: string;
}

const LEVELS = [7, 13, 19] as const;
const ELBOWS = 26;

/** The columns below a bar: under their groups where there is room for `column` each, else moved, led by elbows. */
export function keyColumns(bar: readonly Placed[], width: number, column: number): KeyColumn[] {
  const spans = GROUPS.map((group) =>
    bar.filter((each) => (group.parts as readonly Part[]).includes(each.part)),
  );
  const wanted = spans.map((span, at) => span[0]?.x ?? (at ? Number.NaN : 0));
  for (let at = 1; at < wanted.length; at++) {
    if (Number.isNaN(wanted[at])) wanted[at] = (wanted[at - 1] ?? 0) + column;
  }
  const xs = [...wanted];
  for (let at = xs.length - 1; at >= 0; at--) {
    xs[at] = Math.min(xs[at] ?? 0, (xs[at + 1] ?? width) - column);
  }
  for (let at = 0; at < xs.length; at++) {
    xs[at] = Math.max(xs[at] ?? 0, at ? (xs[at - 1] ?? 0) + column : 0);
  }
  let level = 0;
  return GROUPS.map(({ name }, at) => {
    const span = spans[at] ?? [];
    const [first, last, x] = [span[0], span.at(-1), xs[at] ?? 0];
    const end = xs[at + 1] ?? width;
    const columnWidth = Math.min(end - x, 176) - (at < GROUPS.length - 1 ? 16 : 0);
    if (!first || !last) return { name, x, width: columnWidth, elbow: "" };
    const isBelow = x + 4 >= first.x && x + 4 <= last.x + last.width;
    if (isBelow) return { name, x, width: columnWidth, elbow: `M${x + 4.5} 0V${ELBOWS}` };
    const from = Math.round((first.x + last.x + last.width) / 2) + 0.5;
    const down = LEVELS[Math.min(level++, LEVELS.length - 1)];
    return { name, x, width: columnWidth, elbow: `M${from} 0V${down}.5H${Math.round(x) + 4.5}V${ELBOWS}` };
  });
}

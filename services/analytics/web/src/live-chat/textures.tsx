/** The textures of what became of a close: one vocabulary for bars, keys and rows. */
import type { JSX } from "preact";
import type { Part } from "./address.ts";

interface Hatch {
  id: string;
  size: number;
  stroke: number;
  colour: string;
}

const HATCHES: readonly Hatch[] = [
  { id: "hatch", size: 6, stroke: 2.25, colour: "var(--mark-silent)" },
  { id: "hatch-fine", size: 4, stroke: 1.5, colour: "var(--mark-silent)" },
  { id: "hatch-few", size: 6, stroke: 1, colour: "var(--line)" },
  { id: "hatch-unknown", size: 4, stroke: 1, colour: "var(--line-control)" },
];

/** The patterns, once on a page: `fill="url(#hatch)"`. */
export function Textures(): JSX.Element {
  return (
    <svg class="textures" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        {HATCHES.map(({ id, size, stroke, colour }) => (
          <pattern
            key={id}
            id={id}
            width={size}
            height={size}
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <path d={`M${size / 2} 0V${size}`} stroke={colour} stroke-width={stroke} />
          </pattern>
        ))}
        <pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse">
          <path d="M1 1h1.5v1.5H1zM3.5 3.5H5V5H3.5z" fill="var(--mark-silent)" />
        </pattern>
        <pattern id="dots-thin" width="8" height="8" patternUnits="userSpaceOnUse">
          <path d="M3 3h1.5v1.5H3z" fill="var(--mark-silent)" />
        </pattern>
      </defs>
    </svg>
  );
}

const FILLS: Record<Part, string> = {
  satisfied: "var(--sat-5)",
  unsatisfied: "var(--sat-2)",
  declined: "var(--mark-silent)",
  expired: "url(#hatch)",
  pending: "url(#dots)",
  scheduled: "url(#dots-thin)",
  undecided: "none",
  cancelled: "none",
  undeliverable: "none",
  not_offered: "none",
};
const SOLID: readonly Part[] = ["satisfied", "unsatisfied", "declined"];

/** A part of a bar, as wide and high as the place that it stands in. */
export function Texture({ part, fine = false }: { part: Part; fine?: boolean }): JSX.Element {
  const isSolid = SOLID.includes(part);
  const fill = fine && part === "expired" ? "url(#hatch-fine)" : FILLS[part];
  const strokes = { stroke: "var(--mark-silent)", "stroke-width": 1.25 };
  return (
    <svg class={`texture ${isSolid ? "solid" : ""}`} aria-hidden="true" focusable="false">
      <rect width="100%" height="100%" fill={fill} />
      {part === "undecided" && <line x1="30%" y1="50%" x2="70%" y2="50%" {...strokes} />}
      {(part === "cancelled" || part === "undeliverable") && (
        <line x1="0" y1="0" x2="100%" y2="100%" {...strokes} />
      )}
      {part === "undeliverable" && <line x1="100%" y1="0" x2="0" y2="100%" {...strokes} />}
    </svg>
  );
}

/** The sign of a part in keys and rows, 10 by 10. */
export function Sign({ part }: { part: Part }): JSX.Element {
  return (
    <span class="sign">
      <Texture part={part} fine />
    </span>
  );
}

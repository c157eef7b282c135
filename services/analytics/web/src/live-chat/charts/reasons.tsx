/** Why closes have no rating, each in one row. */
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../../texts.ts";
import type { Part } from "../address.ts";
import { Sign, Texture } from "../textures.tsx";
import { type ReasonRow, reasonRows, type UnratedState } from "./shapes/reasons.ts";
import type { Summary } from "./shapes/types.ts";

interface Reasoned {
  data: Summary | null;
  state: readonly Part[];
  onState: (state: UnratedState) => void;
}

export function Reasons({ data, state, onState }: Reasoned): JSX.Element {
  if (!data) return <div class="skeleton rows-skeleton" />;
  const rows = reasonRows(data);
  const most = Math.max(1, ...rows.map((each) => each.n));
  const words = { count: data.closed, unrated: number(data.unrated.total), closed: number(data.closed) };
  return (
    <>
      <p class="small quiet about">{t("chart.reasons.about", words)}</p>
      <ul class="reason-rows">
        {rows.map((row) => (
          <li key={row.state}>
            <button
              type="button"
              class="reason"
              aria-pressed={state.includes(row.state)}
              onClick={() => onState(row.state)}
            >
              <Sign part={row.state} />
              <span>{t(`chart.reason.${row.state}`)}</span>
              <Share part={row.state} n={row.n} most={most} />
              <span class="number">{number(row.n)}</span>
            </button>
            <Divided row={row} most={most} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Share({ part, n, most }: { part: UnratedState; n: number; most: number }): JSX.Element {
  return (
    <span class="reason-bar" aria-hidden="true">
      <span class={part} style={{ "--width": `${(100 * n) / most}%` }}>
        <Texture part={part} fine />
      </span>
    </span>
  );
}

function Divided({ row, most }: { row: ReasonRow; most: number }): JSX.Element | null {
  if (!row.reasons.length) return null;
  return (
    <ul class="divided">
      {row.reasons.map(({ reason, n }) => (
        <li key={reason} class="reason">
          <span>{t(`reason.${reason}` as "reason.spam")}</span>
          <span class="reason-bar" aria-hidden="true">
            <span class="plain" style={{ "--width": `${(100 * n) / most}%` }} />
          </span>
          <span class="number">{number(n)}</span>
        </li>
      ))}
    </ul>
  );
}

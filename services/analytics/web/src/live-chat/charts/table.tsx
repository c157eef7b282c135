/** A chart and the table of the same numbers: one stands in the other's place, and which is remembered. */
import { Icon } from "@candor/ui/components/icons.tsx";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../../texts.ts";

const stored = (chart: string): string => `candor.table.${chart}`;

export interface Shown {
  isTable: boolean;
  toggle: () => void;
}

export function useTable(chart: string): Shown {
  const [isTable, show] = useState(() => read(stored(chart)));
  const toggle = (): void => {
    show(!isTable);
    try {
      localStorage.setItem(stored(chart), isTable ? "" : "yes");
    } catch {
      // A browser that keeps nothing shows the chart again next time.
    }
  };
  return { isTable, toggle };
}

function read(key: string): boolean {
  try {
    return localStorage.getItem(key) === "yes";
  } catch {
    return false;
  }
}

export function TableButton({ shown, chart }: { shown: Shown; chart: string }): JSX.Element {
  return (
    <button
      type="button"
      class="button plain table-button no-print"
      aria-pressed={shown.isTable}
      aria-label={t("table.of", { chart })}
      onClick={shown.toggle}
    >
      <Icon name="table" />
      <span>{t("table.button")}</span>
    </button>
  );
}

interface Numbers {
  name: string;
  heads: readonly string[];
  /** The first cell of each names its row. */
  rows: readonly (readonly string[])[];
  height: number;
}

/** The same numbers as a table, as high as the chart whose place it takes. */
export function NumbersTable({ name, heads, rows, height }: Numbers): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="numbers" tabIndex={0} aria-label={name} style={{ "--height": `${height}px` }}>
      <table>
        <thead>
          <tr>{cells(heads, "col")}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row[0]}>{cells(row, "row")}</tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function cells(texts: readonly string[], scope: "col" | "row"): ComponentChildren {
  return texts.map((text, at) => {
    const kind = at === 0 ? "" : "number";
    return scope === "col" || at === 0 ? (
      <th key={at} scope={scope} class={kind}>
        {text}
      </th>
    ) : (
      <td key={at} class={kind}>
        {text}
      </td>
    );
  });
}

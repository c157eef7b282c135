/** Operators as the API orders them, and whom nobody can say anything of yet. */
import { Segments } from "@candor/ui/components/controls.tsx";
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../../texts.ts";
import { VIEWS } from "../address.ts";
import type { Next } from "./index.tsx";
import { RowsTable } from "./rows.tsx";
import { groupsOf } from "./shapes/rows.ts";
import type { OperatorRow, Patterns, Operators as Read, Whole } from "./shapes/types.ts";
import { oddWords } from "./words.ts";

interface Shown {
  /** Null until read. */
  data: Read | null;
  view: (typeof VIEWS)[number];
  /** Read after the operators; null until then. */
  patterns?: Patterns | null;
  /** Why it is not known what is odd of them. */
  patternsUnread?: "tooLong" | "failed" | null;
  whole: Whole | null;
  minimum?: number;
  /** Whether those with too few ratings are shown. */
  few: boolean;
  onFilter: (next: Next) => void;
}

export function Operators(shown: Shown): JSX.Element {
  const { data, patterns = null, patternsUnread = null, view, whole, minimum = 20, few, onFilter } = shown;
  const isRead = data !== null && whole !== null;
  return (
    <section class="chart operators" aria-labelledby="operators" aria-busy={!isRead}>
      <header>
        <h2 id="operators">
          {t("chart.operators")} {isRead && <small>{about(data)}</small>}
        </h2>
        <Segments
          label={t("chart.operators.view")}
          value={view}
          options={VIEWS.map((value) => ({ value, text: t(`chart.operators.${value}`) }))}
          onChange={(chosen) => onFilter({ view: chosen })}
        />
      </header>
      {view === "counts_for" && patternsUnread && <p class="small quiet">{t(`odd.${patternsUnread}`)}</p>}
      {view === "took_part" && <p class="small quiet">{t("chart.operators.took_part.help")}</p>}
      {!isRead && <div class="skeleton rows-skeleton" />}
      {isRead && (
        <RowsTable
          name={t("chart.operators")}
          head={t(view === "took_part" ? "chart.operatorTookPart" : "chart.operatorAtClose")}
          rows={data.rows}
          whole={whole}
          minimum={minimum}
          few={few}
          keyOf={(row) => row.operator ?? ""}
          nameOf={nameOf}
          oddOf={(row) => (view === "took_part" ? [] : oddWords(patterns, row.operator))}
          overlap={view === "took_part"}
          // What could be chosen are closes that count for them: others than the row has.
          onChoose={view === "took_part" ? undefined : (row) => onFilter(chosen(row))}
          onFew={(open) => onFilter({ few: open })}
          fewWords={(count) => t("chart.operators.count", { count, n: number(count) })}
        />
      )}
    </section>
  );
}

const nameOf = ({ operator, name }: OperatorRow): string =>
  operator === null ? t("operator.nobody") : (name ?? operator);

const chosen = ({ operator }: OperatorRow): Next =>
  operator === null ? { operator: [], nobody: true } : { operator: [operator], nobody: false };

function about({ rows }: Read): string {
  if (!rows.length) return t("chart.operators.none");
  return t(groupsOf(rows).hasPlaces ? "chart.operators.order" : "chart.operators.noOrder");
}

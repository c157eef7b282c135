/** A table with whiskers: how each operator or channel stands against the whole. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { NOTHING, number } from "@candor/ui/format.ts";
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { t } from "../../texts.ts";
import { type Axis, axisOf, groupsOf, sums, type Whisker, whiskerOf } from "./shapes/rows.ts";
import type { ChannelRow, FormVersion, OperatorRow, Share, Whole } from "./shapes/types.ts";
import { interval, share, standingWords } from "./words.ts";

type Row = OperatorRow | ChannelRow | FormVersion;

const FEW_AT_ONCE = 12;

interface Table<R extends Row> {
  name: string;
  /** What stands over the names. */
  head: string;
  rows: readonly R[];
  whole: Whole;
  minimum: number;
  few: boolean;
  keyOf: (row: R) => string;
  nameOf: (row: R) => string;
  /** What is odd of a row, in words. */
  oddOf?: (row: R) => readonly string[];
  /** Nothing can be chosen without it. */
  onChoose?: ((row: R) => void) | undefined;
  /** Whether a close may be in several rows, which then have no sum. */
  overlap?: boolean;
  /** What stands over those of whom too little is known; about ranks unless said. */
  fewTitle?: string;
  onFew: (open: boolean) => void;
  fewWords: (count: number) => string;
}

export function RowsTable<R extends Row>(table: Table<R>): JSX.Element {
  const { name, rows, whole, few, keyOf } = table;
  const { ranked, few: unranked, nobody, hasPlaces } = groupsOf(rows);
  const axis = axisOf(rows, whole);
  // Folded away, they would leave a table without a row.
  const isAlone = ranked.length === 0 && unranked.length <= FEW_AT_ONCE;
  const line = (row: R) => (
    <Line key={keyOf(row)} row={row} axis={axis} table={table} hasPlaces={hasPlaces} />
  );
  return (
    <table class="ranked" aria-label={name}>
      <thead>
        <tr>
          {hasPlaces && (
            <th scope="col" class="place">
              <span class="unseen">{t("table.place")}</span>
            </th>
          )}
          <th scope="col">{table.head}</th>
          <th scope="col" class="number">
            {t("table.closed")}
          </th>
          <th scope="col" class="number">
            {t("table.rated")}
          </th>
          <th scope="col" class="whisker">
            <AxisWords axis={axis} whole={whole} />
          </th>
          <th scope="col" class="number">
            {t("table.satisfied")}
          </th>
          <th scope="col" class="number response">
            {t("table.response")}
          </th>
        </tr>
      </thead>
      <tbody>{ranked.map(line)}</tbody>
      {unranked.length > 0 && (
        <tbody class="few">
          <FewHead rows={unranked} table={table} columns={hasPlaces ? 7 : 6} isAlone={isAlone} />
          {(few || isAlone) && unranked.map(line)}
        </tbody>
      )}
      <tbody class="rest">
        {nobody && line(nobody)}
        <All whole={whole} axis={axis} hasPlaces={hasPlaces} />
      </tbody>
    </table>
  );
}

function AxisWords({ axis, whole }: { axis: Axis; whole: Whole }): JSX.Element {
  return (
    <div class="axis-words">
      <span class="unseen">{t("table.satisfied")}</span>
      {axis.ticks.map(
        ({ value, at, isWritten }) =>
          isWritten && (
            <span key={value} style={{ "--x": `${at}%` }} aria-hidden="true">
              {number(value)}
            </span>
          ),
      )}
      {axis.reference !== null && (
        <span class="of-all" style={{ "--x": `${axis.reference}%` }} aria-hidden="true">
          {t("chart.all", { value: number(whole.csat.value) })}
        </span>
      )}
    </div>
  );
}

interface FewHeaded<R extends Row> {
  rows: readonly R[];
  /** Whether they are shown anyway. */
  isAlone: boolean;
  table: Table<R>;
  columns: number;
}

function FewHead<R extends Row>({ rows, table, columns, isAlone }: FewHeaded<R>): JSX.Element {
  const { closed, rated } = sums(rows);
  const odd = rows.filter((row) => table.oddOf?.(row).length).length;
  const about = [
    t("chart.few.under", { minimum: table.minimum }),
    table.fewWords(rows.length),
    ...(table.overlap ? [] : [t("chart.closedRated", { closed: number(closed), rated: number(rated) })]),
    ...(odd ? [t("odd.few", { count: odd })] : []),
  ].join(" · ");
  const words = (
    <span>
      <strong>{table.fewTitle ?? t("chart.few.title")}</strong> <span class="quiet">{about}</span>
    </span>
  );
  return (
    <tr class="few-head">
      <th scope="rowgroup" colSpan={columns}>
        {isAlone ? (
          words
        ) : (
          <button type="button" aria-expanded={table.few} onClick={() => table.onFew(!table.few)}>
            <Icon name="chevron" />
            {words}
          </button>
        )}
      </th>
    </tr>
  );
}

interface Lined<R extends Row> {
  row: R;
  axis: Axis;
  table: Table<R>;
  hasPlaces: boolean;
}

function Line<R extends Row>({ row, axis, table, hasPlaces }: Lined<R>): JSX.Element {
  const name = table.nameOf(row);
  const place = row.rank === null ? (row.csat.too_few ? t("chart.tooEarly") : "") : number(row.rank);
  const odd = table.oddOf?.(row) ?? [];
  const [isOpen, open] = useState(false);
  const { onChoose } = table;
  const button = onChoose ? (
    <button type="button" class="name" title={name} onClick={() => onChoose(row)}>
      {name}
    </button>
  ) : (
    <span class="name" title={name}>
      {name}
    </span>
  );
  return (
    <>
      <tr class={row.csat.too_few ? "is-few" : ""}>
        {hasPlaces && (
          <td class="place quiet">{row.rank === null ? <span class="unseen">{place}</span> : place}</td>
        )}
        <th scope="row">
          {odd.length === 0 && button}
          {odd.length > 0 && (
            <div class="named">
              {button}
              <button type="button" class="odd-mark" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
                {t("odd.mark")} <span class="unseen">· {name}</span>
              </button>
            </div>
          )}
        </th>
        <Numbers row={row} axis={axis} whisker={whiskerOf(row.csat, row.funnel, axis)} />
      </tr>
      {isOpen && odd.length > 0 && <OddWords odd={odd} columns={hasPlaces ? 7 : 6} />}
    </>
  );
}

function OddWords({ odd, columns }: { odd: readonly string[]; columns: number }): JSX.Element {
  return (
    <tr class="odd-words">
      <td colSpan={columns}>
        <ul>
          {odd.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
        <p class="quiet small">{t("odd.help")}</p>
      </td>
    </tr>
  );
}

function All({ whole, axis, hasPlaces }: { whole: Whole; axis: Axis; hasPlaces: boolean }): JSX.Element {
  const row = { ...whole, funnel: null };
  return (
    <tr class="all">
      {hasPlaces && <td class="place" />}
      <th scope="row">{t("table.all")}</th>
      <Numbers row={row} axis={axis} whisker={whiskerOf(whole.csat, null, axis)} />
    </tr>
  );
}

interface Counted {
  row: Pick<Row, "closed" | "given" | "csat" | "response_rate">;
  axis: Axis;
  whisker: Whisker | null;
}

function Numbers({ row, axis, whisker }: Counted): JSX.Element {
  return (
    <>
      <td class="number closed">{number(row.closed)}</td>
      <td class="number rated">{number(row.given)}</td>
      <td class="whisker">
        <WhiskerDrawn axis={axis} whisker={whisker} />
        {whisker?.standing && <span class="unseen">{standingWords(whisker.standing)}</span>}
      </td>
      <td class="number satisfied">
        <Valued share={row.csat}>{interval(row.csat)}</Valued>
      </td>
      <td class="number response">
        <span title={row.response_rate.n ? interval(row.response_rate) : undefined}>
          <Valued share={row.response_rate}>{t("chart.of", { n: number(row.response_rate.n) })}</Valued>
        </span>
      </td>
      <td class="folded" aria-hidden="true">
        {row.given
          ? t("chart.ratedOf", { rated: number(row.given), closed: number(row.closed) })
          : t("chart.closedCount", { count: row.closed, n: number(row.closed) })}
      </td>
    </>
  );
}

function Valued({ share: of, children }: { share: Share; children: ComponentChildren }): JSX.Element {
  if (of.n === 0) return <>{NOTHING}</>;
  return (
    <>
      <span class="share">{share(of.value)}</span> <span class="quiet small">{children}</span>
    </>
  );
}

function WhiskerDrawn({ axis, whisker }: { axis: Axis; whisker: Whisker | null }): JSX.Element {
  return (
    <svg width="100%" height="32" aria-hidden="true" focusable="false">
      {axis.ticks.map(({ value, at }) => (
        <line key={value} class="rule" x1={`${at}%`} x2={`${at}%`} y1="0" y2="32" />
      ))}
      {axis.reference !== null && (
        <line class="reference" x1={`${axis.reference}%`} x2={`${axis.reference}%`} y1="0" y2="32" />
      )}
      {whisker && <Interval {...whisker} />}
    </svg>
  );
}

function Interval({ dot, low, high, leaves, standing, isFew }: Whisker): JSX.Element {
  const [from, to] = [`${low}%`, `${high}%`];
  return (
    <g class={`interval ${standing ?? ""} ${isFew ? "few" : ""}`}>
      <line x1={from} x2={to} y1="16" y2="16" />
      {leaves ? (
        <svg x={from} y="12" width="8" height="8" overflow="visible" aria-hidden="true">
          <path class="arrow" d="M5 0 0 4l5 4" />
        </svg>
      ) : (
        <line x1={from} x2={from} y1="12" y2="20" />
      )}
      <line x1={to} x2={to} y1="12" y2="20" />
      {dot !== null && <circle cx={`${dot}%`} cy="16" r={isFew ? 3.5 : 4.5} />}
    </g>
  );
}

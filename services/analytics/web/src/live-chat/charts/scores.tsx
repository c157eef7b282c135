/** How often each score was given, scale by scale. */
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../../texts.ts";
import {
  isAmong,
  longest,
  MOST_SCORES,
  type ScoreRow,
  scaleKey,
  scoreRows,
  withScores,
} from "./shapes/scores.ts";
import type { Distribution, ScaleDistribution, Summary } from "./shapes/types.ts";
import { NumbersTable, TableButton, useTable } from "./table.tsx";
import { interval, share } from "./words.ts";

const STARS = "stars";
const ROW = 28;

interface Scored {
  /** Both null until read. */
  data: Distribution | null;
  whole: Summary | null;
  /** Scores that the list shows, and on which scale. */
  chosen: Chosen;
  onScores: (chosen: Chosen) => void;
}

export interface Chosen {
  score: readonly number[];
  scale: string | null;
}

export function Scores({ data, whole, chosen, onScores }: Scored): JSX.Element {
  const shown = useTable("scores");
  const scales = data?.scales ?? [];
  const [only] = scales;
  return (
    <section class="chart scores" aria-labelledby="scores" aria-busy={data === null}>
      <header>
        <h2 id="scores">
          {t("chart.scores")} {scales.length === 1 && only && <small>{about(only)}</small>}
        </h2>
        <TableButton shown={shown} chart={t("chart.scores")} />
      </header>
      {!data && <div class="skeleton scores-skeleton" />}
      {data && !scales.length && <p class="small quiet">{t("chart.scores.none")}</p>}
      {scales.map((scale) => (
        <div key={`${scale.name}:${scale.lowest}:${scale.highest}`} class="scale">
          {scales.length > 1 && <h3>{about(scale)}</h3>}
          {shown.isTable ? (
            <ScoresTable scale={scale} />
          ) : (
            <Spread scale={scale} chosen={chosen} onScores={onScores} />
          )}
        </div>
      ))}
      {whole && whole.given > 0 && (
        <p class="small quiet">
          {t("chart.scores.satisfied", { satisfied: number(whole.satisfied), given: number(whole.given) })}
        </p>
      )}
    </section>
  );
}

const about = ({ name, lowest, highest, n }: ScaleDistribution): string =>
  name === STARS
    ? t("chart.scale.stars", { n: number(n), highest })
    : t("chart.scale", { n: number(n), lowest: number(lowest), highest: number(highest) });

const scoreName = ({ from, to }: ScoreRow): string =>
  from === to ? number(from) : `${number(from)}–${number(to)}`;

interface Spreading extends Pick<Scored, "chosen" | "onScores"> {
  scale: ScaleDistribution;
}

function Spread({ scale, chosen, onScores }: Spreading): JSX.Element {
  const rows = scoreRows(scale);
  const key = scaleKey(scale);
  const end = longest(rows);
  return (
    <ul class="spread" aria-label={about(scale)}>
      {rows.map((row) => (
        <li key={row.from}>
          <strong class="score">
            {scoreName(row)}
            {scale.name === STARS && <Star colour={row.colour} />}
          </strong>
          <ScoreBar row={row} end={end} />
          <ScoreButton
            row={row}
            isChosen={chosen.scale === key && isAmong(row, chosen.score)}
            choose={(isChosen) =>
              onScores(withScores(chosen.scale === key ? chosen.score : [], key, row, isChosen))
            }
          />
          <span class="number">{share(row.share.value)}</span>
          <span class="number quiet small">{row.share.value === null ? "" : interval(row.share)}</span>
        </li>
      ))}
    </ul>
  );
}

interface ScoreButton {
  row: ScoreRow;
  isChosen: boolean;
  choose: (isChosen: boolean) => void;
}

/** How often a score was given; shows those in the list, and no longer. */
function ScoreButton({ row, isChosen, choose }: ScoreButton): JSX.Element {
  if (!row.n || row.to - row.from >= MOST_SCORES) return <strong class="number">{number(row.n)}</strong>;
  return (
    <button
      type="button"
      class="number count"
      aria-pressed={isChosen}
      aria-label={t("chart.scores.show", { n: number(row.n), score: scoreName(row) })}
      onClick={() => choose(!isChosen)}
    >
      {number(row.n)}
    </button>
  );
}

function Star({ colour }: { colour: number }): JSX.Element {
  return (
    <svg class={`score-star sat-${colour}`} width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      <path d="M6 .8l1.6 3.4 3.7.5-2.7 2.6.7 3.7L6 9.2 2.7 11l.7-3.7L.7 4.7l3.7-.5z" />
    </svg>
  );
}

function ScoreBar({ row, end }: { row: ScoreRow; end: number }): JSX.Element {
  const at = (value: number | null): string => `${(100 * (value ?? 0)) / end}%`;
  const { value, low, high } = row.share;
  const whisker = (under: boolean) => (
    <g class={under ? "under" : "over"}>
      <line x1={at(low)} x2={at(high)} y1="8" y2="8" />
      <line x1={at(low)} x2={at(low)} y1="5" y2="11" />
      <line x1={at(high)} x2={at(high)} y1="5" y2="11" />
    </g>
  );
  return (
    <svg class="score-bar" width="100%" height="16" aria-hidden="true" focusable="false">
      <rect class={`sat-${row.colour}`} width={at(value)} height="16" rx="2" />
      {row.n > 0 && whisker(true)}
      {row.n > 0 && whisker(false)}
    </svg>
  );
}

function ScoresTable({ scale }: { scale: ScaleDistribution }): JSX.Element {
  const rows = scoreRows(scale);
  const heads = [t("table.score"), t("table.count"), t("table.share"), t("table.interval")];
  const cells = rows.map((row) => [
    scoreName(row),
    number(row.n),
    share(row.share.value),
    interval(row.share),
  ]);
  return <NumbersTable name={about(scale)} heads={heads} rows={cells} height={(rows.length + 1) * ROW} />;
}

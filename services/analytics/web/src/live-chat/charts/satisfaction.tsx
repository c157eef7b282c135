/** Satisfaction by day with its band, and how many were closed and rated, under one axis of days. */
import { Segments } from "@candor/ui/components/controls.tsx";
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { useId, useMemo, useState } from "preact/hooks";
import { t } from "../../texts.ts";
import type { Next } from "./index.tsx";
import { Bars, Dates, DayMarks, Grid, MarkFlags } from "./marks.tsx";
import { type Day, type Days, daysOf, type Grain } from "./shapes/days.ts";
import { BASE, HEIGHT, type Plot, plotOf, TOP } from "./shapes/plot.ts";
import { type PlacedMark, placedMarks } from "./shapes/time-marks.ts";
import type { Summary, TimeMark } from "./shapes/types.ts";
import { NumbersTable, type Shown, TableButton, useTable } from "./table.tsx";
import { useWidth } from "./width.ts";
import { beforeWords, dayName, daySentence, interval, share } from "./words.ts";

interface Satisfied {
  /** With buckets of `grain`, and those of the period before; null until read. */
  data: Summary | null;
  grain: Grain;
  /** Under how many ratings nothing is said. */
  minimum?: number;
  onFilter: (next: Next) => void;
  /** What happened when; in the order of time. */
  marks?: readonly TimeMark[] | undefined;
  /** What stands under the chart, given the marks in it. */
  below?: (placed: readonly PlacedMark[]) => JSX.Element;
  now?: Date;
}

const NARROW = 600;
const END = 104;

export function Satisfaction({
  data,
  grain,
  minimum = 20,
  onFilter,
  marks,
  below,
  now,
}: Satisfied): JSX.Element {
  const shown = useTable("satisfaction");
  const shape = useMemo(() => data && daysOf(data, grain, now ?? new Date()), [data, grain, now]);
  const placed = useMemo(() => placedMarks(data?.buckets ?? [], marks ?? []), [data, marks]);
  const title = t(`chart.satisfaction.${grain}`);
  return (
    <section class="chart satisfaction" aria-labelledby="satisfaction" aria-busy={data === null}>
      <header>
        <h2 id="satisfaction">
          {title} <small>{t("chart.withBand")}</small>
        </h2>
        <Segments
          label={t("chart.grain")}
          value={grain}
          options={(["day", "week", "month"] as const).map((value) => ({
            value,
            text: t(`chart.grain.${value}`),
          }))}
          onChange={(chosen) => onFilter({ grain: chosen })}
        />
        <TableButton shown={shown} chart={title} />
      </header>
      {shape?.offersWeek && <OfferWeek minimum={minimum} onFilter={onFilter} />}
      {!shape && <div class="skeleton plot-skeleton" />}
      {shape && shown.isTable && <DaysTable shape={shape} marks={placed} grain={grain} name={title} />}
      {shape && !shown.isTable && (
        <Plotted
          shape={shape}
          marks={placed}
          grain={grain}
          minimum={minimum}
          onFilter={onFilter}
          shown={shown}
          isEmpty={data?.given === 0}
        />
      )}
      {shape && below?.(placed)}
    </section>
  );
}

function OfferWeek({ minimum, onFilter }: Required<Pick<Satisfied, "minimum" | "onFilter">>): JSX.Element {
  return (
    <p class="small quiet no-print">
      {t("chart.offerWeek", { minimum })}{" "}
      <button type="button" class="link" onClick={() => onFilter({ grain: "week" })}>
        {t("chart.offerWeek.button")}
      </button>
    </p>
  );
}

interface Plotting {
  shape: Days;
  marks: readonly PlacedMark[];
  grain: Grain;
  minimum: number;
  onFilter: (next: Next) => void;
  shown: Shown;
  isEmpty: boolean;
}

function Plotted({ shape, marks, grain, minimum, onFilter, shown, isEmpty }: Plotting): JSX.Element {
  const [place, width] = useWidth<HTMLDivElement>();
  // By its date: another grain, or another day, has other places.
  const [date, setDate] = useState<string | null>(null);
  const [hovered, hover] = useState<number | null>(null);
  const clip = useId();
  const isNarrow = width < NARROW;
  const plot = plotOf(shape, { width, end: isNarrow ? 4 : END }, grain);
  const { days } = shape;
  const before = beforeWords(shape.weeksBefore, shape.byWeekday);
  const chosen = days.findIndex((each) => each.date === date);
  const current = chosen < 0 ? days.length - 1 : chosen;
  const choose = (index: number): void => setDate(days[index]?.date ?? null);
  const marked = hovered ?? (date === null ? null : current);
  const filter = (index: number): void => {
    const day = days[index];
    if (day) onFilter({ from: day.date, to: day.until });
  };
  const table = (): void => {
    // The chart goes away, and the focus with it.
    place.current?.closest("section")?.querySelector<HTMLElement>(".table-button")?.focus();
    shown.toggle();
  };
  const keys = keysOf(days.length, current, { choose, filter, table });
  const day = days[current];
  return (
    <>
      <div
        class="plot"
        ref={place}
        role="slider"
        tabIndex={0}
        aria-label={t("chart.satisfaction.name")}
        aria-describedby={`${clip}-help`}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={Math.max(0, days.length - 1)}
        aria-valuenow={Math.max(0, current)}
        aria-valuetext={day ? daySentence(day, grain, before, textsOf(marks, current)) : t("chart.noDays")}
        onKeyDown={keys}
        onFocus={(event) => event.currentTarget.matches(":focus-visible") && choose(current)}
        onBlur={() => setDate(null)}
        onPointerMove={(event) => hover(indexAt(plot, days.length, event))}
        onPointerLeave={() => hover(null)}
        onClick={(event) => {
          const index = indexAt(plot, days.length, event);
          if (index !== null) filter(index);
        }}
      >
        {width > 0 && (
          <svg width={width} height={HEIGHT} aria-hidden="true" focusable="false">
            <Grid plot={plot} shape={shape} isNarrow={isNarrow} minimum={minimum} isEmpty={isEmpty} />
            <DayMarks
              plot={plot}
              shape={shape}
              grain={grain}
              clip={clip}
              before={before}
              isNarrow={isNarrow}
            />
            <Bars plot={plot} shape={shape} grain={grain} />
            <Dates plot={plot} shape={shape} grain={grain} />
            <MarkFlags plot={plot} marks={marks} />
            {marked !== null && <Cursor plot={plot} day={days[marked]} index={marked} />}
          </svg>
        )}
        {isEmpty && (
          <p class="will-be-drawn small" style={{ "--left": `${plot.left}px` }}>
            {t("chart.empty.line")}
            <br />
            {t("chart.empty.few", { minimum })}
          </p>
        )}
        {marked !== null && days[marked] && (
          <Tip
            day={days[marked]}
            plot={plot}
            index={marked}
            width={width}
            grain={grain}
            before={before}
            marks={marks.filter((each) => each.index === marked)}
          />
        )}
      </div>
      <p class="unseen" id={`${clip}-help`}>
        {t("chart.keys")}
      </p>
      {isNarrow && <Legend shape={shape} minimum={minimum} before={before} />}
    </>
  );
}

interface Actions {
  choose: (index: number) => void;
  filter: (index: number) => void;
  table: () => void;
}

function keysOf(length: number, current: number, { choose, filter, table }: Actions) {
  const moves: Record<string, number> = {
    ArrowLeft: current - 1,
    ArrowRight: current + 1,
    Home: 0,
    End: length - 1,
  };
  return (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !length) return;
    const to = moves[event.key];
    if (to !== undefined) choose(Math.max(0, Math.min(length - 1, to)));
    else if (event.key === "Enter") filter(current);
    else if (event.key.toLowerCase() === "t") table();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

function indexAt({ left, right, step }: Plot, length: number, event: MouseEvent): number | null {
  const at = event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
  if (at < left || at > right || !length) return null;
  return Math.min(length - 1, Math.floor((at - left) / step));
}

/** The line through both plots, and the dot of the day. */
function Cursor({ plot, day, index }: { plot: Plot; day: Day | undefined; index: number }): JSX.Element {
  const x = plot.x(index);
  const standing = day?.standing === "below" ? "below" : "";
  return (
    <g>
      <line class="cursor" x1={x} x2={x} y1={TOP} y2={BASE} />
      {day?.value != null && <circle class={`dot ${standing}`} cx={x} cy={plot.y(day.value)} r="5" />}
    </g>
  );
}

interface Tipped {
  day: Day;
  plot: Plot;
  index: number;
  width: number;
  grain: Grain;
  before: string;
  marks: readonly PlacedMark[];
}

const TIP = 240;

function Tip({ day, plot, index, width, grain, before, marks }: Tipped): JSX.Element {
  const x = plot.x(index);
  const isBefore = x + 12 + TIP > width;
  const left = isBefore ? Math.max(0, x - 12 - TIP) : x + 12;
  return (
    <div class="float tip" style={{ "--x": `${left}px` }} aria-hidden="true">
      <strong>
        {dayName(day.date, grain)}
        {day.isOpen && ` · ${t(grain === "day" ? "chart.today" : "chart.running")}`}
      </strong>
      <dl>
        <dt>{t("chart.satisfied")}</dt>
        <dd>
          {share(day.csat.value)} <span>{day.csat.n > 0 && interval(day.csat)}</span>
        </dd>
        <dt>{t("chart.rated")}</dt>
        <dd>{number(day.rated)}</dd>
        <dt>{t("chart.closed")}</dt>
        <dd>{number(day.closed)}</dd>
        {day.before && <dt>{before}</dt>}
        {day.before && (
          <dd>
            {share(day.before.csat.value)} <span>n {number(day.before.csat.n)}</span>
          </dd>
        )}
      </dl>
      {day.value === null && <p>{t("chart.tooFew")}</p>}
      {day.standing && <p>{t(`chart.standing.${day.standing}`)}</p>}
      {marks.map(({ mark, number: at }) => (
        <p key={mark.id} class="time-mark">
          <span class="flag">{at}</span> <span dir="auto">{mark.text}</span>
        </p>
      ))}
    </div>
  );
}

/** What on wide screens is written in the chart. */
function Legend({ shape, minimum, before }: { shape: Days; minimum: number; before: string }): JSX.Element {
  const parts = [
    shape.few.length ? t("chart.legend.few", { minimum }) : "",
    shape.ghosts.length ? t("chart.legend.ghost", { before }) : "",
    shape.reference === null ? "" : t("chart.legend.reference", { share: share(shape.reference) }),
  ];
  return <p class="small quiet">{parts.filter(Boolean).join(" ")}</p>;
}

const textsOf = (marks: readonly PlacedMark[], index: number): string =>
  marks.flatMap((each) => (each.index === index ? [each.mark.text] : [])).join(", ");

interface Tabled extends Pick<Plotting, "shape" | "marks" | "grain"> {
  name: string;
}

function DaysTable({ shape, marks, grain, name }: Tabled): JSX.Element {
  const before = beforeWords(shape.weeksBefore, shape.byWeekday);
  const heads = [
    t(`chart.grain.${grain}`),
    t("table.closed"),
    t("table.rated"),
    t("table.satisfied"),
    t("table.interval"),
    ...(shape.ghosts.length ? [before] : []),
    ...(marks.length ? [t("marks.title")] : []),
  ];
  const rows = shape.days.map((day, index) => [
    dayName(day.date, grain),
    number(day.closed),
    number(day.rated),
    day.value === null && day.csat.n > 0
      ? t("chart.fewShare", { share: share(day.csat.value) })
      : share(day.csat.value),
    interval(day.csat),
    ...(shape.ghosts.length ? [share(day.before?.csat.value ?? null)] : []),
    ...(marks.length ? [textsOf(marks, index)] : []),
  ]);
  return <NumbersTable name={name} heads={heads} rows={rows} height={HEIGHT} />;
}

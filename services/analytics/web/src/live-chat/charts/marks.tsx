/** The marks of the chart of satisfaction: grid, band and line, bars, dates. */
import { compact, number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../../texts.ts";
import type { Days, Grain } from "./shapes/days.ts";
import { BARS_TOP, BASE, isOtherLength, PLOT, type Plot, type Segment, TOP } from "./shapes/plot.ts";
import { flagsOf, type PlacedMark } from "./shapes/time-marks.ts";
import { dayName, interval, share, shortDate, standingWords } from "./words.ts";

const FLOOR = TOP + PLOT;
const STRIP = 5;
const WORDS = 92;

interface Gridded {
  plot: Plot;
  shape: Days;
  isNarrow: boolean;
  minimum: number;
  isEmpty: boolean;
}

export function Grid({ plot, shape, isNarrow, minimum, isEmpty }: Gridded): JSX.Element {
  const { left, right, y } = plot;
  const worded = isNarrow || isEmpty ? undefined : plot.few.find((each) => each.width >= WORDS);
  return (
    <g>
      {plot.few.map(({ x, width }) => (
        <g key={x}>
          <rect x={x} y={TOP} width={width} height={PLOT} fill="url(#hatch-few)" />
          {!isEmpty && (
            <rect
              class="strip-few"
              x={x + 1}
              y={FLOOR - STRIP}
              width={Math.max(1, width - 2)}
              height={STRIP}
            />
          )}
        </g>
      ))}
      {plot.ticks.map((tick) => (
        <g key={tick}>
          <line
            class={tick === shape.foot ? "axis" : "rule"}
            x1={left}
            x2={right}
            y1={y(tick)}
            y2={y(tick)}
          />
          <text class="tick" x={left - 8} y={y(tick) + 4} text-anchor="end">
            {number(tick)}
          </text>
        </g>
      ))}
      {worded && (
        <text class="tick haloed" text-anchor="middle" y={FLOOR - 30}>
          <tspan x={worded.x + worded.width / 2}>{t("chart.few.first")}</tspan>
          <tspan x={worded.x + worded.width / 2} dy="16">
            {t("chart.few.second", { minimum })}
          </tspan>
        </text>
      )}
      {shape.reference !== null && (
        <line class="reference" x1={left} x2={right} y1={y(shape.reference)} y2={y(shape.reference)} />
      )}
      {shape.reference !== null && !isNarrow && (
        <text class="small-text" x={right + 8} y={y(shape.reference) + 4}>
          {t("chart.overall", { share: share(shape.reference) })}
        </text>
      )}
    </g>
  );
}

interface Marked {
  plot: Plot;
  shape: Days;
  grain: Grain;
  clip: string;
  before: string;
  isNarrow: boolean;
}

export function DayMarks({ plot, shape, grain, clip, before, isNarrow }: Marked): JSX.Element {
  const { left, right } = plot;
  return (
    <g>
      <clipPath id={clip}>
        <rect x={left} y={TOP - 6} width={Math.max(0, right - left)} height={PLOT + 6} />
      </clipPath>
      <g clip-path={`url(#${clip})`}>
        {plot.segments.map((each) => (
          <Band key={each.line || each.whisker?.x} {...each} />
        ))}
        {plot.ghosts.map((each) => (
          <path key={each} class="ghost" d={each} />
        ))}
        {plot.segments.map((each) => each.line && <path key={each.line} class="line" d={each.line} />)}
      </g>
      {plot.ghostEnd && !isNarrow && (
        <text
          class="tick haloed"
          x={plot.ghostEnd.x + 6}
          y={plot.ghostEnd.y}
          text-anchor={plot.ghostEnd.x < right && plot.ghostEnd.x + 100 > right ? "end" : "start"}
        >
          {before}
        </text>
      )}
      {shape.days.map((_, index) => (
        <Dot key={index} plot={plot} shape={shape} index={index} />
      ))}
      {plot.labels.map((each) => (
        <Apart key={each.index} {...each} shape={shape} grain={grain} />
      ))}
    </g>
  );
}

const WHISKER = 4;

function Band({ area, low, high, whisker }: Segment): JSX.Element {
  if (whisker) {
    const { x, low: foot, high: top } = whisker;
    const ends = `M${x - WHISKER} ${top}h${2 * WHISKER}M${x} ${top}V${foot}M${x - WHISKER} ${foot}h${2 * WHISKER}`;
    return <path class="edge" d={ends} />;
  }
  return (
    <g>
      <path class="band" d={area} />
      <path class="edge" d={low} />
      <path class="edge" d={high} />
    </g>
  );
}

function Dot({ plot, shape, index }: { plot: Plot; shape: Days; index: number }): JSX.Element | null {
  const day = shape.days[index];
  if (day?.value == null) return null;
  const at = { cx: plot.x(index), cy: plot.y(day.value) };
  const isApart = day.standing === "above" || day.standing === "below";
  if (!isApart && plot.step < 7) return null;
  return (
    <g>
      {day.standing && !isApart && <circle class={`outlined ${day.standing}`} {...at} r="6.5" />}
      <circle class={`dot ${day.standing ?? ""}`} {...at} r={isApart ? 5 : 3.5} />
    </g>
  );
}

type Named = Plot["labels"][number] & { shape: Days; grain: Grain };

function Apart({ index, x, y, anchor, shape, grain }: Named): JSX.Element | null {
  const day = shape.days[index];
  if (!day) return null;
  return (
    <text class="apart haloed" text-anchor={anchor}>
      <tspan class="strong" x={x} y={y}>
        {dayName(day.date, grain)}: {share(day.value)}
      </tspan>
      <tspan x={x} dy="16">
        {interval(day.csat)} · n {number(day.rated)} · {standingWords(day.standing)}
      </tspan>
    </text>
  );
}

export function Bars({ plot, shape, grain }: { plot: Plot; shape: Days; grain: Grain }): JSX.Element {
  const { left, right } = plot;
  const highest = plot.highest && shape.days[plot.highest.index];
  return (
    <g>
      <BarsKey grain={grain} />
      {plot.barTicks.map(({ value, y }) => (
        <g key={value}>
          <line class={value ? "rule" : "axis"} x1={left} x2={right} y1={y} y2={y} />
          <text class="tick" x={left - 8} y={y + 4} text-anchor="end">
            {compact(value)}
          </text>
        </g>
      ))}
      {plot.bars.map(({ x, width, top, ratedTop }) => (
        <g key={x}>
          <rect class="unrated" x={x} y={top} width={width} height={Math.max(0, ratedTop - top)} />
          <rect class="rated" x={x} y={ratedTop} width={width} height={Math.max(0, BASE - ratedTop)} />
        </g>
      ))}
      {plot.highest && highest && (
        <text
          class="small-text haloed"
          x={plot.highest.x}
          y={plot.highest.y}
          text-anchor={plot.highest.anchor}
        >
          {t("chart.closedRated", { closed: number(highest.closed), rated: number(highest.rated) })}
        </text>
      )}
    </g>
  );
}

/** Words and samples in one line; each follows the other, however long they are in a language. */
function BarsKey({ grain }: { grain: Grain }): JSX.Element {
  return (
    <foreignObject x={0} y={BARS_TOP - 26} width="400" height="18">
      <p class="bars-key">
        <span>{t(`chart.closed.${grain}`)}</span>
        <span class="sample">
          <svg width="10" height="10" aria-hidden="true">
            <rect class="rated" width="10" height="10" />
          </svg>
          {t("chart.rated")}
        </span>
        <span class="sample">
          <svg width="10" height="10" aria-hidden="true">
            <rect class="unrated" x=".5" y=".5" width="9" height="9" />
          </svg>
          {t("chart.notRated")}
        </span>
      </p>
    </foreignObject>
  );
}

export function Dates({ plot, shape, grain }: { plot: Plot; shape: Days; grain: Grain }): JSX.Element {
  const last = shape.days.length - 1;
  return (
    <g>
      {plot.dates.map((index) => {
        const day = shape.days[index];
        if (!day) return null;
        const isEdge = plot.step < 72 && last > 0;
        const anchor = isEdge && index === 0 ? "start" : isEdge && index === last ? "end" : "middle";
        const edge = anchor === "middle" ? 0 : (anchor === "start" ? -0.5 : 0.5) * plot.step;
        const x = plot.x(index) + edge;
        return (
          <text key={index} class="tick" x={x} y={BASE + 16} text-anchor={anchor}>
            {day.isOpen && grain === "day" ? t("chart.today") : shortDate(day.date, grain)}
            {isOtherLength(day, grain) && (
              <tspan x={x} dy="14">
                {grain === "day"
                  ? t("chart.hours", { hours: number(day.hours) })
                  : t("chart.days", { days: Math.round(day.hours / 24) })}
              </tspan>
            )}
          </text>
        );
      })}
    </g>
  );
}

const FLAG = { height: 16, digit: 8, room: 26 };

/** What happened when: a line through both plots, and over it the number that the list below has. */
export function MarkFlags({ plot, marks }: { plot: Plot; marks: readonly PlacedMark[] }): JSX.Element {
  const xs = marks.map(({ index, into }) => plot.left + (index + into) * plot.step);
  return (
    <g>
      {xs.map((x, at) => (
        <line key={marks[at]?.mark.id} class="mark-line" x1={x} x2={x} y1={FLAG.height} y2={BASE} />
      ))}
      {flagsOf(xs, FLAG.room).map(({ x, first, last }) => {
        const words = first === last ? number(first) : `${number(first)}–${number(last)}`;
        const width = FLAG.digit * (words.length + 1);
        const start = Math.min(x - FLAG.digit, plot.right - width);
        return (
          <g key={first} class="mark-flag">
            <rect x={start} y="0" width={width} height={FLAG.height} rx="4" />
            <text x={start + width / 2} y="12" text-anchor="middle">
              {words}
            </text>
          </g>
        );
      })}
    </g>
  );
}

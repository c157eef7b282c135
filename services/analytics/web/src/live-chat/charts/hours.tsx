/** When dialogs are closed: weekdays by hours, upright where the numbers need the room. */
import { moment, number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../../texts.ts";
import { type Cell, type Week, weekOf } from "./shapes/hours.ts";
import type { Hours } from "./shapes/types.ts";
import { useWidth } from "./width.ts";

const DIGIT = 6.5;
const CELL_PADDING = 7;
const NAMES = 40;

export function HoursMap({ data, zone }: { data: Hours | null; zone: string }): JSX.Element {
  const [place, width] = useWidth<HTMLDivElement>();
  const week = data && weekOf(data);
  return (
    <div ref={place}>
      {!data && <div class="skeleton rows-skeleton" />}
      {data && <p class="small quiet about">{about(week, zone)}</p>}
      {week && width > 0 && (isUpright(week, width) ? <Upright week={week} /> : <Lying week={week} />)}
    </div>
  );
}

function about(week: Week | null, zone: string): string {
  if (!week) return t("chart.hours.none", { zone });
  const folded = [
    week.first > 0 ? t("chart.hours.before", { hour: week.first }) : "",
    week.last < 23 ? t("chart.hours.from", { hour: week.last + 1 }) : "",
  ];
  return [t("chart.hours.about", { zone }), ...folded].filter(Boolean).join(" ");
}

/** Whether the highest number is too wide for a column per hour. */
function isUpright({ first, last, most }: Week, width: number): boolean {
  const column = (width - NAMES) / (last - first + 1);
  return column < number(most).length * DIGIT + CELL_PADDING;
}

/** "Mon" for 0. */
const weekday = (index: number, style: "short" | "long"): string =>
  moment(new Date(Date.UTC(2026, 0, 5 + index)), { weekday: style }, "UTC");
const hoursOf = ({ first, last }: Week): number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

function Lying({ week }: { week: Week }): JSX.Element {
  return (
    <table class="heat" aria-label={t("chart.tab.hours")}>
      <thead>
        <tr>
          <td />
          {hoursOf(week).map((hour) => (
            <th key={hour} scope="col" class={hour % 2 ? "odd" : ""}>
              <span>{number(hour)}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {week.days.map((cells, day) => (
          <tr key={weekday(day, "short")}>
            <th scope="row" aria-label={weekday(day, "long")}>
              {weekday(day, "short")}
            </th>
            {cells.map((cell, at) => (
              <Heat key={week.first + at} cell={cell} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Upright({ week }: { week: Week }): JSX.Element {
  return (
    <table class="heat upright" aria-label={t("chart.tab.hours")}>
      <thead>
        <tr>
          <td />
          {week.days.map((_, day) => (
            <th key={weekday(day, "short")} scope="col" aria-label={weekday(day, "long")}>
              {weekday(day, "short")}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {hoursOf(week).map((hour, at) => (
          <tr key={hour}>
            <th scope="row">{number(hour)}</th>
            {week.days.map((cells, day) => {
              const cell = cells[at];
              return cell && <Heat key={weekday(day, "short")} cell={cell} />;
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Heat({ cell: { closed, rated, heat } }: { cell: Cell }): JSX.Element {
  const words = t("chart.closedRated", { closed: number(closed), rated: number(rated) });
  return (
    <td class={`heat-${heat}`} title={words}>
      {closed > 0 ? number(closed) : <span class="unseen">{number(0)}</span>}
    </td>
  );
}

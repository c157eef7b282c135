/** The four numbers: each with how sure it is, what it is a share of, and whether it has changed. */
import { NOTHING, number, percent, percentRange } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { ChangeLine } from "./change.tsx";
import type { Summary } from "./data.ts";

type Read = Summary | null;

/** `read` is null until it was read for the first time. */
export function Headline({ read }: { read: Read }): JSX.Element {
  return (
    <section class="headline" aria-label={t("headline.title")} aria-busy={read === null}>
      <Satisfied read={read} />
      <Average read={read} />
      <Response read={read} />
      <Closed read={read} />
    </section>
  );
}

function Satisfied({ read }: { read: Read }): JSX.Element {
  const csat = read?.csat;
  return (
    <div class="figure wide">
      <Value large text={percent(share(csat?.value))} label={t("headline.satisfied")}>
        {csat?.value != null && (
          <span class="aside">
            {interval(csat)} · n {number(csat.n)}
          </span>
        )}
      </Value>
      <Strip
        value={csat?.value}
        low={csat?.low}
        high={csat?.high}
        unknown={read?.bounds}
        ends={[0, 100]}
        satisfied
      />
      {csat?.n === 0 && <p class="small quiet">{t("headline.satisfied.none")}</p>}
      {csat && csat.n > 0 && csat.too_few && <TooFew n={csat.n} />}
      <ChangeLine change={read?.changes?.csat} kind="points" />
      {read?.bounds && (
        <p class="small quiet bounds">
          <svg class="sample" width="10" height="10" aria-hidden="true">
            <rect
              x=".5"
              y=".5"
              width="9"
              height="9"
              fill="url(#hatch-unknown)"
              stroke="var(--line-control)"
            />
          </svg>
          {t("headline.bounds", { range: percentRange(read.bounds.from / 100, read.bounds.to / 100) })}
        </p>
      )}
    </div>
  );
}

function Average({ read }: { read: Read }): JSX.Element {
  const [scale, other] = read?.scales ?? [];
  if (read && other) return <MixedAverage read={read} />;
  const change = read?.changes?.scales.find(
    (each) => each.name === scale?.name && each.lowest === scale.lowest && each.highest === scale.highest,
  );
  return (
    <div class="figure">
      <Value
        text={scale ? number(scale.average, 1) : NOTHING}
        label={scale ? t("headline.averageOf", { highest: number(scale.highest) }) : t("headline.average")}
      />
      <Strip
        value={scale?.average}
        low={scale?.low}
        high={scale?.high}
        ends={scale ? [scale.lowest, scale.highest] : [1, 5]}
      />
      {scale ? (
        <p class="small">
          {scale.low != null && scale.high != null && `${number(scale.low, 1)}–${number(scale.high, 1)} · `}n{" "}
          {number(scale.n)}
        </p>
      ) : (
        read && <p class="small quiet">{t("headline.average.none")}</p>
      )}
      {scale?.too_few && <TooFew n={scale.n} />}
      <ChangeLine change={change?.average} kind="score" />
    </div>
  );
}

function MixedAverage({ read }: { read: Summary }): JSX.Element {
  const { value, low, high, n } = read.average_normalised;
  return (
    <div class="figure">
      <Value text={number(value)} label={t("headline.averageMixed")} />
      <Strip value={value} low={low} high={high} ends={[0, 100]} />
      <p class="small">
        {low != null && high != null && `${number(low)}–${number(high)} · `}n {number(n)}
      </p>
      {read.average_normalised.too_few && <TooFew n={n} />}
      <ChangeLine change={read.changes?.average_normalised} kind="points" />
    </div>
  );
}

function Response({ read }: { read: Read }): JSX.Element {
  const rate = read?.response_rate;
  return (
    <div class="figure">
      <Value text={percent(share(rate?.value))} label={t("headline.response")} />
      <Strip value={rate?.value} low={rate?.low} high={rate?.high} ends={[0, 100]} />
      {rate && rate.n > 0 && (
        <p class="small">
          {interval(rate)} ·{" "}
          {t("headline.ofSettled", { given: number(read?.given), settled: number(rate.n) })}
        </p>
      )}
      {rate?.n === 0 && <p class="small quiet">{t("headline.response.none")}</p>}
      {rate && rate.n > 0 && rate.too_few && (
        <p class="small quiet">{t("headline.tooFewSettled", { count: rate.n, n: number(rate.n) })}</p>
      )}
      {read && stillOpen(read) > 0 && (
        <p class="small quiet">
          {t("headline.stillOpen", { count: stillOpen(read), n: number(stillOpen(read)) })}
        </p>
      )}
      <ChangeLine change={read?.changes?.response_rate} kind="points" />
    </div>
  );
}

const stillOpen = ({ undecided, scheduled, pending }: Summary): number => undecided + scheduled + pending;

function Closed({ read }: { read: Read }): JSX.Element {
  const change = read?.changes?.closed;
  const direction = change && (change.value > 0 ? "▲" : change.value < 0 ? "▼" : "=");
  return (
    <div class="figure">
      <Value text={read ? number(read.closed) : NOTHING} label={t("headline.closed")} />
      <p class="small quiet counted">{t("headline.counted")}</p>
      <p class="small quiet">{t("headline.twice")}</p>
      {change && read?.compared && read.closed + read.compared.closed > 0 && (
        <p class="small change">
          <strong>
            {direction}{" "}
            {change.percent == null ? number(change.value) : percent(Math.abs(change.percent) / 100)}
          </strong>{" "}
          {t("headline.from", { before: number(read.compared.closed) })}
        </p>
      )}
    </div>
  );
}

interface Valued {
  text: string;
  label: string;
  large?: boolean;
  children?: JSX.Element | false;
}

function Value({ text, label, large = false, children }: Valued): JSX.Element {
  return (
    <p class="value">
      <strong class={large ? "largest" : "larger"}>{text}</strong> <span>{label}</span>
      {children}
    </p>
  );
}

function TooFew({ n }: { n: number }): JSX.Element {
  return <p class="small quiet">{t("headline.tooFew", { count: n, n: number(n) })}</p>;
}

interface Stripped {
  value: number | null | undefined;
  low: number | null | undefined;
  high: number | null | undefined;
  ends: readonly [number, number];
  /** What nobody knows, as bounds. */
  unknown?: Summary["bounds"] | undefined;
  satisfied?: boolean;
}

/** Numbers under the axis that are closer would touch, in per cent of it. */
const TOUCHING = 9;

function isFar(end: number, bounds: readonly number[]): boolean {
  return bounds.every((each) => Math.abs(each - end) > TOUCHING);
}

/** An axis with the value, its interval, and what silence could hide. The words beside it say the same. */
function Strip({ value, low, high, ends, unknown, satisfied = false }: Stripped): JSX.Element {
  const [from, to] = ends;
  const at = (each: number): string => `${(100 * (each - from)) / (to - from)}%`;
  // Of two bounds whose numbers would touch, one is enough; the ends give way to them.
  const bounds = unknown
    ? [unknown.from, unknown.to].filter((each, index, [first = 0]) => !index || each - first > TOUCHING)
    : [];
  const ink = satisfied ? "var(--sat-5)" : "var(--mark-ink)";
  const tick = (x: string, top: number, stroke: string, width: number) => (
    <line x1={x} x2={x} y1={top} y2={12 - top} stroke={stroke} stroke-width={width} />
  );
  return (
    <div class="strip" aria-hidden="true">
      <svg width="100%" height="12" aria-hidden="true" focusable="false">
        {unknown && (
          <rect
            x={at(unknown.from)}
            width={`${unknown.to - unknown.from}%`}
            y="2"
            height="8"
            fill="url(#hatch-unknown)"
          />
        )}
        <line
          x1="0"
          x2="100%"
          y1="6"
          y2="6"
          stroke="var(--line-control)"
          stroke-dasharray={value == null ? "2 3" : undefined}
        />
        {tick("0", 2, "var(--line-control)", 2)}
        {tick("100%", 2, "var(--line-control)", 2)}
        {unknown && tick(at(unknown.from), 1, "var(--line-control)", 1)}
        {unknown && tick(at(unknown.to), 1, "var(--line-control)", 1)}
        {low != null && high != null && (
          <>
            <line x1={at(low)} x2={at(high)} y1="6" y2="6" stroke={ink} stroke-width="2" />
            {tick(at(low), 0, ink, 2)}
            {tick(at(high), 0, ink, 2)}
          </>
        )}
        {value != null && (
          <circle cx={at(value)} cy="6" r="5" fill={ink} stroke="var(--bg)" stroke-width="1.5" />
        )}
      </svg>
      {value != null && (
        <div class="ends small quiet">
          {isFar(from, bounds) && <span>{number(from)}</span>}
          {bounds.map((each) => (
            <span class="at" key={each} style={{ "--at": at(each) }}>
              {number(each)}
            </span>
          ))}
          {isFar(to, bounds) && <span class="last">{number(to)}</span>}
        </div>
      )}
    </div>
  );
}

const share = (value: number | null | undefined): number | null => (value == null ? null : value / 100);

function interval({ low, high }: { low: number | null; high: number | null }): string {
  return low == null || high == null ? NOTHING : `${number(low)}–${percent(high / 100)}`;
}

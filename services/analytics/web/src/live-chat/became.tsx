/** The bar "what became of": every close is in one part of it, and each part is a filter of the list below. */
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { address, go, type Part, toggled } from "./address.ts";
import { useWidth } from "./charts/width.ts";
import type { Summary } from "./data.ts";
import { GROUPS, keyColumns, type PartCounts, partCounts, placed } from "./shape.ts";
import { Sign, Texture } from "./textures.tsx";

const COLUMN = 164;
const LABELLED_FROM = 44;
const LETTER = 7.5;
const PLATE = 32;

export function Became({ read }: { read: Summary | null }): JSX.Element {
  const [place, width] = useWidth<HTMLDivElement>();
  const counts = read && partCounts(read);
  const bar = counts ? placed(counts, width) : [];
  return (
    <section class="became" aria-busy={read === null} aria-labelledby="became">
      <div class="titled">
        <h2 id="became">
          {read ? t("became.title", { count: read.closed, n: number(read.closed) }) : t("became.unread")}
        </h2>
        <p class="small quiet">{t("became.help")}</p>
      </div>
      <div class={`bar ${bar.length ? "" : "empty"}`} ref={place}>
        {counts && bar.map((each) => <BarPart key={each.part} {...each} count={counts[each.part]} />)}
      </div>
      <Elbows bar={bar} width={width} />
      <Key counts={counts} bar={bar} width={width} read={read} />
    </section>
  );
}

interface Drawn {
  part: Part;
  x: number;
  width: number;
  count: number;
}

function BarPart({ part, x, width, count }: Drawn): JSX.Element {
  const name = t("counted", { n: number(count), what: t(`part.${part}`) });
  return (
    <button
      type="button"
      class={`part ${part}`}
      aria-pressed={address.value.state.includes(part)}
      aria-label={name}
      title={name}
      style={{ "--x": `${x}px`, "--width": `${width}px` }}
      onClick={() => toggle(part)}
    >
      <Texture part={part} />
      {width >= LABELLED_FROM && (
        <span class="plate">{width >= PLATE + LETTER * name.length ? name : number(count)}</span>
      )}
    </button>
  );
}

function toggle(part: Part): void {
  go({ state: toggled(address.value.state, part), score: [], scale: null, comment: false });
}

function Elbows({ bar, width }: { bar: ReturnType<typeof placed>; width: number }): JSX.Element {
  return (
    <svg class="elbows" width={width} height="26" aria-hidden="true" focusable="false">
      {keyColumns(bar, width, COLUMN).map((each) => each.elbow && <path key={each.name} d={each.elbow} />)}
    </svg>
  );
}

interface Keyed {
  /** Null until read. */
  counts: PartCounts | null;
  bar: ReturnType<typeof placed>;
  width: number;
  read: Summary | null;
}

function Key({ counts, bar, width, read }: Keyed): JSX.Element {
  const columns = keyColumns(bar, width, COLUMN);
  return (
    <div class="key">
      {GROUPS.map(({ name, parts }, at) => {
        const sum = counts && (parts as readonly Part[]).reduce((all, each) => all + counts[each], 0);
        const column = columns[at];
        return (
          <div
            class="column"
            key={name}
            style={{ "--x": `${column?.x ?? 0}px`, "--width": `${column?.width ?? 0}px` }}
          >
            <h3>
              {t(`group.${name}`)} <span class="quiet">{number(sum)}</span>
            </h3>
            {parts.map((part) => (
              <KeyLine key={part} part={part} count={counts?.[part] ?? null} />
            ))}
            {name === "notAsked" && read && <Reasons read={read} />}
          </div>
        );
      })}
    </div>
  );
}

function KeyLine({ part, count }: { part: Part; count: number | null }): JSX.Element {
  return (
    <button
      type="button"
      class="line"
      aria-pressed={address.value.state.includes(part)}
      disabled={!count && !address.value.state.includes(part)}
      onClick={() => toggle(part)}
    >
      <Sign part={part} />
      <span>{t(`part.${part}`)}</span>
      <span class="number">{number(count)}</span>
    </button>
  );
}

/** The two commonest reasons; all of them are in the table of reasons. */
function Reasons({ read }: { read: Summary }): JSX.Element | null {
  const reasons = Object.entries(read.unrated.not_offered_by_reason)
    .filter(([, n]) => n > 0)
    .sort(([, one], [, other]) => other - one);
  if (!reasons.length) return null;
  const rest = reasons.slice(2);
  return (
    <ul class="reasons small">
      {reasons.slice(0, 2).map(([reason, n]) => (
        <li key={reason}>
          <span>{t(`reason.${reason}` as "reason.spam")}</span>
          <span class="number">{number(n)}</span>
        </li>
      ))}
      {rest.length > 0 && (
        <li>
          <button type="button" class="link" onClick={() => go({ tab: "reasons" })}>
            {t("became.moreReasons", { count: rest.length, n: number(rest.length) })}
          </button>
          <span class="number">{number(rest.reduce((sum, [, n]) => sum + n, 0))}</span>
        </li>
      )}
    </ul>
  );
}

/** Period, comparison, channels, operators and time zone; how new the numbers are. */
import { Menu } from "@candor/ui/components/controls.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { ago, duration, exactTime, moment, number, timeOfDay } from "@candor/ui/format.ts";
import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../texts.ts";
import {
  type Address,
  address,
  go,
  isFiltered,
  ownZone,
  PRESETS,
  type Preset,
  plusDays,
  range,
  UNFILTERED,
} from "./address.ts";
import { connection, everyChannel, everyOperator, freshness, slowReads } from "./data.ts";
import { ExportButton } from "./export.tsx";
import { FilterChips, FilterMenu } from "./filters.tsx";
import { channelName, filterNames, operatorName, operatorNames } from "./names.ts";

/** The present moment, once a second. */
export const clock = signal(new Date());
export const BEHIND = 10;

export function useClock(): void {
  useEffect(() => {
    const ticking = setInterval(() => {
      clock.value = new Date();
    }, 1000);
    return () => clearInterval(ticking);
  }, []);
}

export function Head(): JSX.Element {
  return (
    <div class="page-head">
      <h1>{t("title")}</h1>
      <div class="end">
        <Fresh />
        <ZoneSelect />
        <ExportButton />
      </div>
    </div>
  );
}

function Fresh(): JSX.Element {
  const { state, since, isRefused } = connection.value;
  // Null: nobody knows, for Kafka does not answer.
  const behind = freshness.value ? freshness.value.behind_seconds : 0;
  const as_of = freshness.value?.as_of;
  if (isRefused) return <Dot kind="off">{t("fresh.refused")}</Dot>;
  if (state === "offline") {
    return <Dot kind="off">{t("fresh.offline", { time: timeOfDay(since, address.value.zone) })}</Dot>;
  }
  if (slowReads.value > 0) return <Dot kind="behind">{t("fresh.reading")}</Dot>;
  if (state === "connecting") return <Dot kind="off">{t("fresh.connecting")}</Dot>;
  if (behind === null) {
    return (
      <Dot kind="off">
        {as_of ? t("fresh.unknown", { ago: ago(as_of, clock.value) }) : t("fresh.unknown.nothing")}
      </Dot>
    );
  }
  if (behind >= BEHIND) return <Dot kind="behind">{t("fresh.behind", { duration: duration(behind) })}</Dot>;
  return (
    <Dot kind="" {...(as_of ? { title: exactTime(as_of, address.value.zone) } : {})}>
      {as_of ? t("fresh.live", { ago: ago(as_of, clock.value) }) : t("fresh.nothing")}
    </Dot>
  );
}

function Dot({
  kind,
  title,
  children,
}: {
  kind: string;
  title?: string;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <span class="fresh" title={title}>
      <span class={`live-dot ${kind}`} /> {children}
    </span>
  );
}

function ZoneSelect(): JSX.Element {
  const { zone } = address.value;
  const first = new Set([
    zone,
    ownZone(),
    ...(everyChannel.value.data?.rows ?? []).flatMap((each) => each.time_zone ?? []),
  ]);
  const rest = ["UTC", ...Intl.supportedValuesOf("timeZone")].filter((each) => !first.has(each));
  return (
    <label class="picker">
      <Icon name="globe" />
      <span class="unseen">{t("toolbar.zone")}</span>
      <select value={zone} onChange={({ currentTarget }) => go({ zone: currentTarget.value })}>
        {[...first, ...new Set(rest)].map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
      <Icon name="chevron" />
    </label>
  );
}

export function Toolbar(): JSX.Element {
  const now = address.value;
  return (
    <fieldset class="toolbar" aria-label={t("toolbar.title")}>
      <PeriodMenu />
      <label class="picker">
        <span class="quiet">{t("toolbar.vs")}</span>
        <select
          value={now.vs}
          onChange={({ currentTarget }) => go({ vs: currentTarget.value === "none" ? "none" : "previous" })}
        >
          <option value="previous">{t(now.from === "4-weeks" ? "vs.fourWeeks" : "vs.previous")}</option>
          <option value="none">{t("vs.none")}</option>
        </select>
        <Icon name="chevron" />
      </label>
      <ChannelMenu />
      <OperatorMenu />
      <FilterMenu />
      <FilterChips />
      {isFiltered(now) && (
        <button type="button" class="button plain" onClick={clearFilters}>
          {t("toolbar.clear")}
        </button>
      )}
    </fieldset>
  );
}

/** What the toolbar says, in one sentence, at the top of each page of paper. */
export function PrintedFilters(): JSX.Element {
  const now = address.value;
  const parts = [
    `${t("toolbar.period")}: ${periodText(now, new Date())} (${now.zone})`,
    `${t("toolbar.channel")}: ${now.channel.map(channelName).join(", ") || t("toolbar.all")}`,
    `${t("toolbar.operator")}: ${operatorNames(now.operator, now.nobody).join(", ") || t("toolbar.all")}`,
    ...filterNames(now),
    ...(now.vs === "previous" ? [`${t("toolbar.vs")} ${t("vs.previous")}`] : []),
    ...(now.view === "took_part" ? [`${t("chart.operators")}: ${t("chart.operators.took_part")}`] : []),
    t("toolbar.printed", { time: exactTime(clock.value, now.zone) }),
  ];
  return (
    <p class="printed">
      <span>{parts.join(" · ")}</span>
    </p>
  );
}

export function clearFilters(): void {
  go(UNFILTERED);
}

/** "27 Oct – 23 Nov": both days are inside. */
export function periodText(now: Address, at: Date): string {
  const { from, to } = range(now, at);
  const day = (text: string, year: boolean): string =>
    moment(
      `${text}T12:00:00Z`,
      { day: "numeric", month: "short", ...(year ? { year: "numeric" } : {}) },
      "UTC",
    );
  const last = plusDays(to, -1);
  const isOtherYear = from.slice(0, 4) !== String(at.getFullYear()) || last.slice(0, 4) !== from.slice(0, 4);
  return from === last ? day(from, isOtherYear) : `${day(from, isOtherYear)} – ${day(last, isOtherYear)}`;
}

function Chosen({ label, value }: { label: string; value: string }): JSX.Element {
  return (
    <>
      <span class="chosen">
        <span class="quiet">{label}</span> {value}
      </span>
      <Icon name="chevron" />
    </>
  );
}

function PeriodMenu(): JSX.Element {
  const now = address.value;
  const isPreset = now.to === null;
  const days = periodText(now, new Date());
  const value = isPreset ? `${t(`period.${now.from as Preset}`)}, ${days}` : days;
  const label = t(now.axis === "rated_at" ? "toolbar.rated" : "toolbar.period");
  return (
    <Menu label={`${label} ${value}`} button={<Chosen label={label} value={value} />}>
      {(close) => (
        <div class="choices">
          {PRESETS.map((each) => (
            <button
              type="button"
              class="item"
              key={each}
              aria-current={isPreset && now.from === each ? "true" : undefined}
              onClick={() => {
                go({ from: each, to: null });
                close();
              }}
            >
              {t(`period.${each}`)}
            </button>
          ))}
          <label class="item axis">
            <input
              type="checkbox"
              checked={now.axis === "rated_at"}
              onChange={({ currentTarget }) => go({ axis: currentTarget.checked ? "rated_at" : "closed_at" })}
            />
            <span>{t("period.rated")}</span>
          </label>
          <OwnRange now={now} close={close} />
        </div>
      )}
    </Menu>
  );
}

function OwnRange({ now, close }: { now: Address; close: () => void }): JSX.Element {
  const { from, to } = range(now, new Date());
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const [first = "", last = ""] = [String(given.get("first")), String(given.get("last"))].sort();
    if (!first || !last) return;
    go({ from: first, to: plusDays(last, 1) });
    close();
  };
  return (
    <form class="own-range" onSubmit={submit}>
      <label class="field">
        <span class="label">{t("period.first")}</span>
        <input class="input" type="date" name="first" required defaultValue={from} />
      </label>
      <label class="field">
        <span class="label">{t("period.last")}</span>
        <input class="input" type="date" name="last" required defaultValue={plusDays(to, -1)} />
      </label>
      <button type="submit" class="button">
        {t("period.show")}
      </button>
    </form>
  );
}

interface Choice {
  id: string;
  text: string;
  n: number;
}

interface Choosing {
  label: string;
  choices: readonly Choice[];
  chosen: readonly string[];
  change: (chosen: readonly string[]) => void;
}

function ChoiceMenu({ label, choices, chosen, change }: Choosing): JSX.Element {
  const only = choices.find((each) => chosen.length === 1 && each.id === chosen[0]);
  const all = chosen.length ? number(chosen.length) : t("toolbar.all");
  const value = only?.text ?? (chosen.length === 1 ? (chosen[0] ?? all) : all);
  const byName = [...choices].sort((one, other) => one.text.localeCompare(other.text));
  return (
    <Menu label={`${label} ${value}`} button={<Chosen label={label} value={value} />}>
      {() => (
        <div class="choices">
          {byName.map(({ id, text, n }) => (
            <label class="item" key={id}>
              <input
                type="checkbox"
                checked={chosen.includes(id)}
                onChange={({ currentTarget }) =>
                  change(currentTarget.checked ? [...chosen, id] : chosen.filter((each) => each !== id))
                }
              />
              <span>{text}</span>
              <span class="number quiet">{number(n)}</span>
            </label>
          ))}
          {choices.length === 0 && <p class="about quiet">{t("toolbar.noChoice")}</p>}
        </div>
      )}
    </Menu>
  );
}

function ChannelMenu(): JSX.Element {
  const rows = everyChannel.value.data?.rows ?? [];
  return (
    <ChoiceMenu
      label={t("toolbar.channel")}
      choices={rows.map((each) => ({ id: each.channel, text: each.name ?? each.channel, n: each.closed }))}
      chosen={address.value.channel}
      change={(channel) => go({ channel })}
    />
  );
}

/** No operator's id is empty: it stands for nobody. */
const NOBODY = "";

function OperatorMenu(): JSX.Element {
  const rows = everyOperator.value.data?.rows ?? [];
  const { operator, nobody } = address.value;
  return (
    <ChoiceMenu
      label={t("toolbar.operator")}
      choices={rows.map((each) => ({
        id: each.operator ?? NOBODY,
        text: operatorName(each),
        n: each.closed,
      }))}
      chosen={nobody ? [...operator, NOBODY] : operator}
      change={(chosen) =>
        go({ operator: chosen.filter((each) => each !== NOBODY), nobody: chosen.includes(NOBODY) })
      }
    />
  );
}

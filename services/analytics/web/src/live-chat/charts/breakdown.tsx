/** Channels, reasons, hours, versions of the form: ways to divide the same closes. */
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { t } from "../../texts.ts";
import { type Part, TABS, type Tab } from "../address.ts";
import { HoursMap } from "./hours.tsx";
import type { Next } from "./index.tsx";
import { Reasons } from "./reasons.tsx";
import { RowsTable } from "./rows.tsx";
import type { UnratedState } from "./shapes/reasons.ts";
import type { Channels, FormVersions, Hours, Summary } from "./shapes/types.ts";
import { Versions } from "./versions.tsx";

interface Divided {
  tab: Tab;
  /** Each null until read. */
  channels: Channels | null;
  summary: Summary | null;
  hours: Hours | null;
  /** Of one channel; null until read. */
  versions: FormVersions | null;
  /** Whether one channel is chosen: versions are a channel's own. */
  isOneChannel: boolean;
  /** The zone of hours and dates. */
  zone: string;
  minimum?: number;
  few: boolean;
  /** Which parts the list of reviews shows. */
  state: readonly Part[];
  onFilter: (next: Next) => void;
  /** A row of reasons was chosen, or chosen again. */
  onState: (state: UnratedState) => void;
}

export function Breakdown(props: Divided): JSX.Element {
  const { tab, onFilter } = props;
  return (
    <section class="chart breakdown" aria-label={t("chart.breakdown")}>
      <Tabs tab={tab} choose={(chosen) => onFilter({ tab: chosen })} />
      <div role="tabpanel" id={`breakdown-${tab}`} aria-labelledby={`breakdown-tab-${tab}`}>
        {tab === "channels" && <ChannelRows {...props} />}
        {tab === "reasons" && <Reasons data={props.summary} state={props.state} onState={props.onState} />}
        {tab === "versions" && <Versions {...props} />}
        {tab === "hours" && <HoursMap data={props.hours} zone={props.zone} />}
      </div>
    </section>
  );
}

function Tabs({ tab, choose }: { tab: Tab; choose: (tab: Tab) => void }): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const keys = (event: KeyboardEvent): void => {
    const at = TABS.indexOf(tab);
    const moves: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 };
    const to = moves[event.key];
    const next = to === undefined ? undefined : TABS.at(to % TABS.length);
    if (!next) return;
    event.preventDefault();
    choose(next);
    list.current?.querySelectorAll("button")[TABS.indexOf(next)]?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={t("chart.breakdown")} ref={list} onKeyDown={keys}>
      {TABS.map((each) => (
        <button
          key={each}
          type="button"
          role="tab"
          id={`breakdown-tab-${each}`}
          aria-selected={each === tab}
          aria-controls={each === tab ? `breakdown-${each}` : undefined}
          tabIndex={each === tab ? 0 : -1}
          onClick={() => choose(each)}
        >
          {t(`chart.tab.${each}`)}
        </button>
      ))}
    </div>
  );
}

function ChannelRows({ channels, summary, minimum = 20, few, onFilter }: Divided): JSX.Element {
  if (!channels || !summary) return <div class="skeleton rows-skeleton" />;
  return (
    <RowsTable
      name={t("chart.tab.channels")}
      head={t("chart.channel")}
      rows={channels.rows}
      whole={summary}
      minimum={minimum}
      few={few}
      keyOf={(row) => row.channel}
      nameOf={(row) => row.name ?? row.channel}
      onChoose={(row) => onFilter({ channel: [row.channel] })}
      onFew={(open) => onFilter({ few: open })}
      fewWords={(count) => t("chart.channels.count", { count, n: number(count) })}
    />
  );
}

/** Live Chat: what became of all closes, in numbers and one by one. */
import { Banner, ProblemBanner } from "@candor/ui/components/banner.tsx";
import { type NavigationEntry, Shell } from "@candor/ui/components/shell.tsx";
import { duration, number, shortTime } from "@candor/ui/format.ts";
import { type Problem, sentence } from "@candor/ui/problems.ts";
import { followLink } from "@candor/ui/session.ts";
import { settings } from "@candor/ui/settings.ts";
import { t as common } from "@candor/ui/texts.ts";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../texts.ts";
import { address, go, grainOf, isFiltered, readAddress, toggled } from "./address.ts";
import { Became } from "./became.tsx";
import { Breakdown, Operators, Satisfaction, Scores } from "./charts/index.tsx";
import {
  channels,
  distribution,
  everyChannel,
  filterOf,
  formVersions,
  freshness,
  hours,
  isTooLongForPatterns,
  keepReading,
  marks,
  operators,
  type Panel,
  patterns,
  readBreakdown,
  readOperators,
  readSummary,
  readVersions,
  type Summary,
  summary,
} from "./data.ts";
import { Drawer } from "./drawer.tsx";
import { ExportFailed } from "./export.tsx";
import { Foot } from "./foot.tsx";
import { Headline } from "./headline.tsx";
import { channelName, filterNames, operatorNames } from "./names.ts";
import { UnsavedNotes, useUnsavedNotes } from "./review-panel.tsx";
import { Kept, Reviews } from "./reviews.tsx";
import { Shortcuts, shortcutsShown, useShortcuts } from "./shortcuts.tsx";
import { Textures } from "./textures.tsx";
import { TimeMarks } from "./time-marks.tsx";
import { clearFilters, Head, PrintedFilters, Toolbar, useClock } from "./toolbar.tsx";

const STALE = 60;

export function LiveChat(): JSX.Element {
  const tools = (
    <button type="button" class="button plain tool" onClick={() => (shortcutsShown.value = true)}>
      <kbd class="kbd">?</kbd> <span>{common("shortcuts.open")}</span>
    </button>
  );
  return (
    <Shell navigation={navigation()} tools={tools}>
      {() => <Board />}
    </Shell>
  );
}

function navigation(): NavigationEntry[] {
  const { urls } = settings<{ urls: Record<"chat" | "rating", string> }>();
  return [
    { address: "/live-chat", text: t("title"), current: true },
    { address: `${urls.chat}/channels`, text: common("nav.channels") },
    { address: `${urls.rating}/quality-control`, text: t("nav.qualityControl") },
  ];
}

function Board(): JSX.Element {
  useClock();
  useShortcuts();
  useUnsavedNotes();
  useEffect(() => {
    readAddress();
    addEventListener("popstate", readAddress);
    const end = keepReading();
    return () => {
      end();
      removeEventListener("popstate", readAddress);
    };
  }, []);
  useEffect(() => {
    document.title = `${t("title")} · Candor`;
  });
  const read = summary.value.data;
  return (
    <div class="board">
      <Textures />
      <Head />
      <Toolbar />
      <PrintedFilters />
      <Stale />
      <ExportFailed />
      <UnsavedNotes />
      <Failed panel={summary.value} title="summary.failed" again={readSummary} />
      {!isForbidden() && (
        <>
          <Nothing read={read} />
          <Headline read={read} />
          <Became read={read} />
          <Charts />
          <Reviews />
          <Foot read={read} />
        </>
      )}
      <Spoken read={read} />
      <Drawer />
      <Shortcuts />
    </div>
  );
}

const readDivided = () => Promise.all([readBreakdown(), readVersions()]).then(() => undefined);

/** What stands out over time, and of whom and where; each panel fails by itself, and keeps what it had. */
function Charts(): JSX.Element {
  const { minimum } = settings<{ minimum: number }>();
  const { zone, few, view, tab, state, score, scale } = address.value;
  const read = summary.value.data;
  const grain = grainOf(address.value, filterOf(address.value, new Date()));
  const panels: Panel<unknown>[] = [channels.value, hours.value, distribution.value, formVersions.value];
  const divided = panels.find((each) => each.problem) ?? hours.value;
  return (
    <>
      <div class="pair">
        <Satisfaction
          data={read}
          marks={marks.value.data?.marks}
          grain={grain}
          minimum={minimum}
          onFilter={go}
          below={(placed) => <TimeMarks placed={placed} />}
        />
        <Scores
          data={distribution.value.data}
          whole={read}
          chosen={{ score, scale }}
          onScores={(chosen) => go({ ...chosen, state: [] })}
        />
      </div>
      <div class="pair">
        <div>
          <Failed panel={operators.value} title="operators.failed" again={readOperators} isPart />
          <Operators
            data={operators.value.data}
            view={view}
            patterns={patterns.value.data}
            patternsUnread={patterns.value.problem ? "failed" : isTooLongForPatterns() ? "tooLong" : null}
            whole={read}
            minimum={minimum}
            few={few}
            onFilter={go}
          />
        </div>
        <div>
          <Failed panel={divided} title="breakdown.failed" again={readDivided} isPart />
          <Breakdown
            tab={tab}
            channels={channels.value.data}
            summary={read}
            hours={hours.value.data}
            versions={formVersions.value.data}
            isOneChannel={address.value.channel.length === 1}
            zone={zone}
            minimum={minimum}
            few={few}
            state={state}
            onFilter={go}
            onState={(part) => go({ state: toggled(state, part) })}
          />
        </div>
      </div>
    </>
  );
}

function Stale(): JSX.Element | null {
  const { behind_seconds: behind, as_of } = freshness.value ?? { behind_seconds: 0, as_of: null };
  if (behind === null || behind < STALE) return null;
  return (
    <Banner kind="warn" title={t("stale.title", { duration: duration(behind) })}>
      {t("stale.text", { time: as_of ? shortTime(as_of, new Date(), address.value.zone) : "—" })}
    </Banner>
  );
}

interface Failing {
  panel: Panel<unknown>;
  title: "summary.failed" | "operators.failed" | "breakdown.failed";
  again: () => Promise<void>;
  /** Whether the banner over the whole page says it for this panel too, if it stands there. */
  isPart?: boolean;
}

function Failed({ panel, title, again, isPart = false }: Failing): JSX.Element | null {
  if (!panel.problem) return null;
  if (isForbidden()) return <Forbidden problem={panel.problem} />;
  if (isPart && summary.value.problem?.code === panel.problem.code) return null;
  return (
    <>
      <ProblemBanner problem={panel.problem} title={t(title)} own={t} again={() => void again()} />
      <Kept panel={panel} />
    </>
  );
}

/** Whether the filters ask for what this person may not see; then no number is shown, not even an older one. */
const isForbidden = (): boolean => summary.value.problem?.status === 403;

function Forbidden({ problem }: { problem: Problem }): JSX.Element {
  const mine = (everyChannel.value.data?.rows ?? []).map((each) => each.name ?? each.channel);
  const clear = isFiltered(address.value) && (
    <button type="button" class="button" onClick={clearFilters}>
      {t("noMatch.clear")}
    </button>
  );
  return (
    <Banner kind="bad" title={t("forbidden.title")} actions={clear}>
      {sentence(problem, t)} {mine.length > 0 && t("forbidden.may", { channels: mine.join(", ") })}
    </Banner>
  );
}

/** What to do where there is nothing: no close yet, or none that the filters let through. */
function Nothing({ read }: { read: Summary | null }): JSX.Element | null {
  if (!read || read.closed > 0) return null;
  const now = address.value;
  if (!isFiltered(now)) {
    const { urls } = settings<{ urls: Record<"chat" | "rating", string> }>();
    return (
      <section class="nothing">
        <div>
          <h2>{t("empty.title")}</h2>
          <p>{t("empty.text")}</p>
        </div>
        <ol>
          <li>
            {t("empty.widget")}{" "}
            <a href={`${urls.chat}/channels`} onClick={followLink}>
              {t("empty.widget.open")}
            </a>
          </li>
          <li>
            {t("empty.close")}{" "}
            <a href={`${urls.rating}/quality-control`} onClick={followLink}>
              {t("empty.close.open")}
            </a>
          </li>
          <li>{t("empty.own")}</li>
        </ol>
      </section>
    );
  }
  const operators = operatorNames(now.operator, now.nobody);
  const words = [...now.channel.map(channelName), ...operators, ...filterNames(now)].join(", ");
  return (
    <section class="nothing">
      <h2>{t("noMatch.title", { what: words })}</h2>
      <button type="button" class="button" onClick={clearFilters}>
        {t("noMatch.clear")}
      </button>
    </section>
  );
}

const SPEAKS_EVERY_MS = 60_000;

/** Says how the numbers stand, once a minute at most, to whoever listens to the page. */
function Spoken({ read }: { read: Summary | null }): JSX.Element {
  const [said, say] = useState({ text: "", at: 0 });
  const text = read ? t("spoken", { closed: number(read.closed), rated: number(read.given) }) : "";
  useEffect(() => {
    const wait = Math.max(0, said.at + SPEAKS_EVERY_MS - Date.now());
    const speaking = setTimeout(() => say({ text, at: Date.now() }), wait);
    return () => clearTimeout(speaking);
  }, [text]);
  return (
    <p class="unseen" aria-live="polite">
      {said.text}
    </p>
  );
}

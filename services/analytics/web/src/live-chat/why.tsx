/** Why the client was asked about a close, or wasn't: each rule of Quality control, as rating has decided, and what was sent. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { exactTime, number, shortTime } from "@candor/ui/format.ts";
import { followLink } from "@candor/ui/session.ts";
import { settings } from "@candor/ui/settings.ts";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../texts.ts";
import { address } from "./address.ts";
import { type CloseStory, needStory, readStory, story } from "./close-story.ts";
import { type CloseDetails, keyOf } from "./data.ts";
import { list, nameOf, type Sentence, sentencesOf } from "./rule-sentences.ts";
import { sendingsOf } from "./sendings.ts";
import { clock } from "./toolbar.tsx";

/** Of a close whose form isn't decided yet, there is nothing to tell. */
export function Why({ read }: { read: CloseDetails }): JSX.Element | null {
  const [isOpen, open] = useState(false);
  if (read.state === "undecided") return null;
  return (
    <section>
      <button type="button" class="link" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
        {t(read.state === "not_offered" ? "rules.whyNot" : "rules.why")}
      </button>
      {isOpen && <Rules close={keyOf(read)} />}
    </section>
  );
}

function Rules({ close }: { close: string }): JSX.Element {
  useEffect(() => needStory(close), [close]);
  const { data, problem } = story.value;
  if (data) return <Decision told={data} />;
  if (!problem) return <p class="quiet">{t("fresh.reading")}</p>;
  if (problem.status === 404) return <p class="quiet">{t("rules.notThere")}</p>;
  const more = problem.status === 403 ? {} : { again: () => void readStory() };
  return <ProblemBanner problem={problem} title={t("rules.failed")} own={t} {...more} />;
}

function Decision({ told }: { told: CloseStory }): JSX.Element {
  const time = (at: string): string => shortTime(at, clock.value, address.value.zone);
  const looked = told.rules.filter(({ verdict }) => verdict !== "not_looked_at");
  const skipped = told.rules.filter(({ verdict }) => verdict === "not_looked_at");
  return (
    <>
      <ul class="rules">
        {looked
          .flatMap((rule) => sentencesOf(rule, time))
          .map((each) => (
            <Line key={each.text} {...each} />
          ))}
        {skipped.length > 0 && (
          <li class="quiet">
            <Icon name="minus" />
            <span>{t("rules.skipped", { names: list(skipped.map(({ name }) => nameOf(name))) })}</span>
          </li>
        )}
      </ul>
      <Version told={told} />
      {sendingsOf(told.timeline, time).map((each) => (
        <p class="sending" key={each}>
          {each}
        </p>
      ))}
    </>
  );
}

function Line({ text, fails }: Sentence): JSX.Element {
  return (
    <li class={fails ? "failed" : "passed"}>
      <Icon name={fails ? "cross" : "check"} />
      <span>
        <span class="unseen">{t(fails ? "rules.notPassed" : "rules.passed")}</span> {text}
      </span>
    </li>
  );
}

/** Which version of Quality control decided, and when. */
function Version({ told }: { told: CloseStory }): JSX.Element {
  const { urls } = settings<{ urls: Record<"rating", string> }>();
  const { zone } = address.value;
  const href = `${urls.rating}/quality-control?${new URLSearchParams({ channel: told.channel })}`;
  const isCurrent = told.current_version === told.settings_version;
  return (
    <p class="small quiet">
      <time dateTime={told.registered_at} title={exactTime(told.registered_at, zone)}>
        {t("rules.decided", { time: shortTime(told.registered_at, clock.value, zone) })}
      </time>{" "}
      <a href={href} onClick={followLink}>
        {t("rules.version", { version: number(told.settings_version) })}
      </a>
      {!isCurrent && <> {t("rules.versionNow", { version: number(told.current_version) })}</>}
    </p>
  );
}

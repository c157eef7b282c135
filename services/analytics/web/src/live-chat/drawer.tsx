/** One close: what was said, for whom it counts, and the life of its form; the page beside it stays usable. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { duration, exactTime, moment, number, shortTime } from "@candor/ui/format.ts";
import { followLink } from "@candor/ui/session.ts";
import { settings } from "@candor/ui/settings.ts";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../texts.ts";
import { address, go } from "./address.ts";
import { Chosen, hasChosen } from "./answered.tsx";
import { leaveStory, needStory } from "./close-story.ts";
import { type CloseDetails, details, keyOf, readDetails, reviews } from "./data.ts";
import { channelName, languageName } from "./names.ts";
import { ReviewPanel } from "./review-panel.tsx";
import { whom, why } from "./reviews.tsx";
import { Stars } from "./stars.tsx";
import { Sign } from "./textures.tsx";
import { clock } from "./toolbar.tsx";
import { Why } from "./why.tsx";

export function Drawer(): JSX.Element | null {
  const { review } = address.value;
  return review ? <Opened review={review} /> : null;
}

function Opened({ review }: { review: string }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.focus(), []);
  const { data, problem } = details.value;
  return (
    <div
      class="drawer"
      role="dialog"
      aria-label={t("drawer.title")}
      tabIndex={-1}
      ref={place}
      aria-busy={!data && !problem}
    >
      <Bar review={review} read={data} />
      {problem && (
        <ProblemBanner
          problem={problem}
          title={t("drawer.failed")}
          own={t}
          {...(problem.status === 404 ? {} : { again: () => void readDetails() })}
        />
      )}
      {data && <Story read={data} />}
    </div>
  );
}

function Bar({ review, read }: { review: string; read: CloseDetails | null }): JSX.Element {
  return (
    <div class="drawer-bar">
      <h2>{read && <Verdict read={read} />}</h2>
      <button
        type="button"
        class="button plain icon turn"
        aria-label={t("drawer.previous")}
        onClick={() => step(review, -1)}
      >
        <Icon name="chevron" />
      </button>
      <button
        type="button"
        class="button plain icon"
        aria-label={t("drawer.next")}
        onClick={() => step(review, 1)}
      >
        <Icon name="chevron" />
      </button>
      <button type="button" class="button plain icon" aria-label={t("drawer.close")} onClick={closeDrawer}>
        <Icon name="cross" />
      </button>
    </div>
  );
}

/** Closes the drawer; the row that was open gets the focus. */
export function closeDrawer(): void {
  const row = document.getElementById(`review-${address.value.review}`);
  go({ review: null });
  row?.focus();
}

/** Opens the next review of the list, or the one before. */
export function step(review: string | null, by: 1 | -1): void {
  const rows = reviews.value.data?.rows ?? [];
  const at = rows.findIndex((each) => keyOf(each) === review);
  const next = rows[at < 0 ? 0 : at + by];
  if (!next) return;
  go({ review: keyOf(next) }, review ? "replace" : "push");
  document.getElementById(`review-${keyOf(next)}`)?.scrollIntoView({ block: "nearest" });
}

function Verdict({ read }: { read: CloseDetails }): JSX.Element {
  if (read.score === null || !read.scale) {
    return (
      <>
        {read.state !== "given" && <Sign part={read.state} />} {t("review.notRated")}
      </>
    );
  }
  return (
    <>
      <Stars score={read.score} scale={read.scale} satisfied={read.satisfied} />{" "}
      <span aria-hidden="true">
        {t("score.of", { score: number(read.score), highest: number(read.scale.highest) })}
      </span>
      {read.first_score !== null && read.first_score !== read.score && (
        <span class="small quiet">{t("review.was", { score: number(read.first_score) })}</span>
      )}
    </>
  );
}

function Story({ read }: { read: CloseDetails }): JSX.Element {
  const key = keyOf(read);
  const needsTexts = read.answers.some(hasChosen);
  useEffect(() => leaveStory, [key]);
  useEffect(() => {
    if (needsTexts) needStory(key);
  }, [key, needsTexts]);
  return (
    <div class="story">
      <Words read={read} />
      <ReviewPanel key={key} read={read} />
      <Attribution read={read} />
      <Life read={read} />
      <Why key={key} read={read} />
      <Answers read={read} />
      <TranscriptLink read={read} />
    </div>
  );
}

/** Chat has the messages: they are read there, on record. */
function TranscriptLink({ read }: { read: CloseDetails }): JSX.Element {
  const { urls } = settings<{ urls: Record<"chat", string> }>();
  const { zone } = address.value;
  const query = new URLSearchParams({ dialog: read.dialog, close: String(read.close_seq), zone });
  return (
    <p class="drawer-foot">
      <a
        class="button"
        href={`${urls.chat}/transcript?${query}`}
        target="_blank"
        rel="noopener"
        aria-describedby="transcript-note"
        onClick={followLink}
      >
        <Icon name="bubble" /> {t("drawer.transcript")}
      </a>
      <span class="small quiet" id="transcript-note">
        {t("drawer.transcriptNote")}
      </span>
    </p>
  );
}

function Words({ read }: { read: CloseDetails }): JSX.Element {
  const { comment } = read;
  const answer = read.answers.find(({ counts }) => counts);
  return (
    <section>
      {read.state !== "given" && <p>{why(read)}</p>}
      {comment?.state === "open" && (
        <p class="whole-comment" lang={read.locale ?? undefined} dir="auto">
          {comment.text}
        </p>
      )}
      {read.state === "given" && comment?.state !== "open" && (
        <p class="quiet">{t(comment ? `comment.${comment.state}` : "comment.none")}</p>
      )}
      {answer && <Chosen answer={answer} locale={read.locale} />}
    </section>
  );
}

function Attribution({ read }: { read: CloseDetails }): JSX.Element {
  const all = read.participants.reduce((sum, each) => sum + each.messages, 0);
  const facts = [
    channelName(read.channel),
    read.team && t("drawer.team", { team: read.team }),
    read.locale && languageName(read.locale),
    t("drawer.clientMessages", { count: read.client_messages, n: number(read.client_messages) }),
    t(`closedBy.${read.closed_by}`),
    ...read.labels,
  ];
  return (
    <section>
      <h3>
        {t("drawer.countsFor", { name: whom(read) })}{" "}
        <span class="small quiet">{t(`rule.${read.attributed_by}`)}</span>
      </h3>
      <ul class="participants">
        {read.participants.map((each) => (
          <li key={each.operator}>
            <span>
              {each.name} {each.kind !== "person" && <span class="quiet">{t(`kind.${each.kind}`)}</span>}
            </span>
            <span class="share" style={{ "--share": `${each.share ?? 0}%` }} />
            <span class="quiet">
              {t("drawer.messages", {
                n: number(each.messages),
                count: all,
                all: number(all),
              })}
            </span>
          </li>
        ))}
      </ul>
      <p class="facts">
        {facts.filter(Boolean).map((each) => (
          <span key={each}>{each}</span>
        ))}
      </p>
      <p class="small quiet">{t("drawer.fixed")}</p>
    </section>
  );
}

type Entry = CloseDetails["timeline"][number];
type Answer = CloseDetails["answers"][number];

function Life({ read }: { read: CloseDetails }): JSX.Element {
  const { zone } = address.value;
  const days = new Set(read.timeline.map(({ at }) => moment(at, { dateStyle: "short" }, zone)));
  const time = (at: string): string =>
    days.size > 1 ? shortTime(at, clock.value, zone) : moment(at, { timeStyle: "medium" }, zone);
  return (
    <section>
      <h3>{t("drawer.life")}</h3>
      {days.size === 1 && <p class="small quiet">{moment(read.closed_at, { dateStyle: "full" }, zone)}</p>}
      <ol class={`timeline ${days.size === 1 ? "one-day" : ""}`}>
        {read.timeline.map((entry) => (
          <li key={`${entry.kind} ${entry.at}`} class={entry.kind} style={inkOf(entry, read)}>
            <time class="quiet" dateTime={entry.at} title={exactTime(entry.at, zone)}>
              {time(entry.at)}
            </time>
            <Happened entry={entry} read={read} time={time} />
          </li>
        ))}
        <StillOpen read={read} />
      </ol>
    </section>
  );
}

/** The colour of an answer's dot, as of its stars. */
function inkOf({ score }: Entry, { scale }: CloseDetails): Record<string, string> {
  if (score == null || !scale) return {};
  const place = (score - scale.lowest) / (scale.highest - scale.lowest);
  return { "--ink": `var(--sat-${1 + Math.round(4 * place)})` };
}

interface Told {
  entry: Entry;
  read: CloseDetails;
  time: (at: string) => string;
}

function Happened({ entry, read, time }: Told): JSX.Element {
  const [text, more] = told({ entry, read, time });
  return (
    <span>
      {text} {more && <span class="quiet">{more}</span>}
    </span>
  );
}

/** What happened, and what there is to add. */
function told({ entry, read, time }: Told): [string, string] {
  const version =
    entry.form_version == null ? "" : t("life.version", { version: number(entry.form_version) });
  const since = (from: string): string => duration((Date.parse(entry.at) - Date.parse(from)) / 1000);
  switch (entry.kind) {
    case "first_reply":
      return [t("life.first_reply"), t("life.after", { duration: since(read.opened_at) })];
    case "closed":
      return [
        t(`closedBy.${entry.closed_by ?? "system"}`),
        t("life.close", { number: number(read.close_seq) }),
      ];
    case "not_offered":
      return [t(`why.${entry.reason ?? "disabled"}` as "why.disabled"), ""];
    case "scheduled":
      return [t("life.scheduled", { time: entry.due_at ? time(entry.due_at) : "" }), version];
    case "offered":
      return [
        t(`life.offered.${entry.way ?? "widget"}`),
        t("life.afterClose", { duration: since(read.closed_at) }),
      ];
    case "given":
      return [t("life.given", scores(entry, read)), entry.with_comment ? t("life.withComment") : ""];
    case "changed":
      return [t("life.changed", scores(entry, read)), entry.with_comment ? t("life.withComment") : ""];
    case "cancelled":
      return [t("life.cancelled"), t(entry.reason === "erased" ? "reason.erased" : "reason.reopened")];
    default:
      return [t(`life.${entry.kind}`), ""];
  }
}

function scores(entry: Entry, read: CloseDetails) {
  return { score: number(entry.score), highest: number(read.scale?.highest) };
}

function StillOpen({ read }: { read: CloseDetails }): JSX.Element | null {
  const { zone } = address.value;
  const until =
    read.state === "given" ? read.editable_until : read.state === "pending" ? read.expires_at : null;
  if (!until || Date.parse(until) < clock.value.getTime()) return null;
  return (
    <li class="still">
      <span class="quiet">{t("life.open")}</span>
      <span class="quiet">
        {t(read.state === "given" ? "life.canChange" : "life.canAnswer", {
          time: shortTime(until, clock.value, zone),
        })}
      </span>
    </li>
  );
}

function Answers({ read }: { read: CloseDetails }): JSX.Element | null {
  const { zone } = address.value;
  if (read.answers.length < 2) return null;
  return (
    <section>
      <h3>
        {t("drawer.answers")} <span class="small quiet">{t("drawer.answersKept")}</span>
      </h3>
      <ul class="answers">
        {read.answers.map((each) => (
          <li key={each.change}>
            <time dateTime={each.at} title={exactTime(each.at, zone)}>
              {moment(each.at, { timeStyle: "medium" }, zone)}
            </time>
            <Stars score={each.score} scale={each.scale} satisfied={each.satisfied} />
            <span>{t(each.with_comment ? "answer.withComment" : "answer.noComment")}</span>
            <span class={each.counts ? "counts" : "quiet"}>
              {t(each.counts ? "answer.counts" : "answer.replaced")}
            </span>
            {!each.counts && <Replaced answer={each} locale={read.locale} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What stood in an answer before it was changed; of the last one it stands above. */
function Replaced({ answer, locale }: { answer: Answer; locale: string | null }): JSX.Element | null {
  const { comment } = answer;
  if (!comment && !hasChosen(answer)) return null;
  return (
    <div class="replaced">
      {comment?.state === "open" ? (
        <p class="client-words" lang={locale ?? undefined} dir="auto">
          {comment.text}
        </p>
      ) : (
        comment && <p class="quiet">{t(`words.${comment.state}`)}</p>
      )}
      <Chosen answer={answer} locale={locale} />
    </div>
  );
}

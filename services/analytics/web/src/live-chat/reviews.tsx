/** Closes one by one, rated or not, with the words why there is no rating; each opens in the drawer. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { ago, exactTime, number, shortTime, timeOfDay } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { address, go, type Part, RATED, sameParts, UNRATED } from "./address.ts";
import {
  counts,
  isRetried,
  keyOf,
  type Panel,
  type Review,
  readReviews,
  reviews,
  searched,
  showMore,
  showNewer,
  summary,
} from "./data.ts";
import { channelName } from "./names.ts";
import { StatusSign } from "./review-panel.tsx";
import { Search } from "./search.tsx";
import { partCounts } from "./shape.ts";
import { Stars } from "./stars.tsx";
import { Sign } from "./textures.tsx";
import { clock } from "./toolbar.tsx";

export function Reviews(): JSX.Element {
  const { data, problem } = reviews.value;
  return (
    <section class="reviews" id="reviews" aria-labelledby="reviews-title">
      <header class="reviews-head">
        <h2 id="reviews-title">{t("reviews.title")}</h2>
        <Search />
      </header>
      <Chips />
      {problem && summary.value.problem?.code !== problem.code && (
        <ProblemBanner
          problem={problem}
          title={t("reviews.failed")}
          own={t}
          again={() => void readReviews()}
        />
      )}
      <Kept panel={reviews.value} />
      {data ? <List /> : !problem && <Waiting />}
    </section>
  );
}

/** Of a panel that could not be read: from when what it shows is, and whether it is tried again by itself. */
export function Kept({ panel }: { panel: Panel<unknown> }): JSX.Element | null {
  const { problem, readAt } = panel;
  if (!problem) return null;
  const parts = [
    readAt && t("panel.kept", { time: timeOfDay(readAt, address.value.zone) }),
    isRetried(panel) && t("panel.retry"),
  ];
  return <p class="small quiet kept">{parts.filter(Boolean).join(" ")}</p>;
}

interface Chip {
  text: string;
  n: number | undefined;
  state: readonly Part[];
  comment: boolean;
  status: "new" | null;
}

function Chips(): JSX.Element {
  const n = counts.value.data;
  const now = address.value;
  const chips: readonly Chip[] = [
    { text: t("chip.all"), n: n?.all, state: [], comment: false, status: null },
    { text: t("chip.rated"), n: n?.rated, state: RATED, comment: false, status: null },
    { text: t("chip.unrated"), n: n?.not_rated, state: UNRATED, comment: false, status: null },
    { text: t("chip.low"), n: n?.low, state: ["unsatisfied"], comment: false, status: null },
    { text: t("chip.comment"), n: n?.with_comment, state: [], comment: true, status: null },
    { text: t("chip.new"), n: undefined, state: RATED, comment: false, status: "new" },
  ];
  return (
    <div class="chips">
      {chips.map(({ text, n: count, state, comment, status }) => (
        <button
          type="button"
          class="chip"
          key={text}
          aria-pressed={
            sameParts(now.state, state) &&
            now.comment === comment &&
            now.status === status &&
            now.score.length === 0
          }
          onClick={() => go({ state, comment, status, score: [], scale: null })}
        >
          {text} {status === null && <span class="count">{number(count)}</span>}
        </button>
      ))}
      <Narrowed />
    </div>
  );
}

/** A filter that no chip shows: of parts of the bar, or of scores. */
function Narrowed(): JSX.Element | null {
  const { state, score, status } = address.value;
  const isOnChip = [RATED, UNRATED, [], ["unsatisfied"] as const].some((each) => sameParts(state, each));
  const isStatusOnChip = status === null || (status === "new" && sameParts(state, RATED));
  const parts = [
    score.length > 0 && t("chip.scores", { scores: score.map((each) => number(each)).join(", ") }),
    !score.length && !isOnChip && state.map((each) => t(`part.${each}`)).join(", "),
    !isStatusOnChip && t(`status.${status}`),
  ];
  const words = parts.filter(Boolean).join(", ");
  if (!words) return null;
  return (
    <button
      type="button"
      class="chip"
      aria-pressed={true}
      aria-label={t("chip.without", { what: words })}
      onClick={() => go({ state: [], score: [], scale: null, status: null })}
    >
      {words} <span aria-hidden="true">×</span>
    </button>
  );
}

/** How many of the list the style sheet leaves on paper. */
const PRINTED = 20;

function List(): JSX.Element | null {
  const { data } = reviews.value;
  if (!data) return null;
  const { rows, newer, next } = data;
  if (!rows.length && !next) return <None />;
  const all = howMany();
  const order = t(`reviews.order.${address.value.axis}`);
  const shown = (n: number): string =>
    all === undefined
      ? t("reviews.shown", { n: number(n), order })
      : t("reviews.shownOf", { n: number(n), all: number(all), order });
  return (
    <>
      {newer.length > 0 && (
        <button type="button" class="newer" onClick={showNewer}>
          {t("reviews.newer", { count: newer.length, n: number(newer.length) })}
        </button>
      )}
      <ul class="rows">
        {rows.map((each) => (
          <Row key={keyOf(each)} review={each} />
        ))}
      </ul>
      <p class="more">
        {next && (
          <button type="button" class="button" onClick={() => void showMore()}>
            {t("reviews.more")}
          </button>
        )}
        <span class="small quiet">
          {searched.value !== null &&
            `${t("reviews.searched", { count: searched.value, n: number(searched.value) })} `}
          <span class="no-print">{shown(rows.length)}</span>
          <span class="on-paper">{shown(Math.min(PRINTED, rows.length))}</span>
        </span>
      </p>
    </>
  );
}

/** How many the list has in all; undefined where nobody counted them. */
function howMany(): number | undefined {
  const { state, score, comment, status, q } = address.value;
  const [n, read] = [counts.value.data, summary.value.data];
  if (q || status || score.length || !n || !read) return undefined;
  if (comment) return state.length ? undefined : n.with_comment;
  const parts = partCounts(read);
  if (state.length && read.excluded) return undefined;
  return state.length ? state.reduce((sum, each) => sum + parts[each], 0) : n.all;
}

function None(): JSX.Element {
  const { state, score, comment, status, q } = address.value;
  if (!state.length && !score.length && !comment && !status && !q)
    return <p class="none">{t("reviews.none")}</p>;
  return (
    <p class="none">
      {t("reviews.noneSo")}{" "}
      <button
        type="button"
        class="link"
        onClick={() => go({ state: [], score: [], scale: null, comment: false, status: null, q: "" })}
      >
        {t("reviews.showAll")}
      </button>
    </p>
  );
}

function Waiting(): JSX.Element {
  return (
    <ul class="rows waiting" aria-busy="true" aria-label={t("reviews.loading")}>
      {[1, 2, 3, 4, 5, 6].map((each) => (
        <li key={each}>
          <span class="skeleton" />
          <span class="skeleton" />
          <span class="skeleton" />
        </li>
      ))}
    </ul>
  );
}

function Row({ review }: { review: Review }): JSX.Element {
  const key = keyOf(review);
  return (
    <li>
      <button
        type="button"
        class="row"
        id={`review-${key}`}
        aria-current={address.value.review === key ? "true" : undefined}
        onClick={() => go({ review: key })}
      >
        <span class="verdict">
          <Verdict review={review} />
        </span>
        <span class="said">
          <Said review={review} />
        </span>
        <span class="whom">
          <span>{whom(review)}</span>
          <span class="quiet">{channelName(review.channel)}</span>
        </span>
        <When review={review} />
        <span class="mark">
          <Marked review={review} />
        </span>
      </button>
    </li>
  );
}

/** How far supervisors are with it; nothing for a close without an answer that nobody took up. */
function Marked({ review }: { review: Review }): JSX.Element | null {
  const { status, own_score: own, has_note, excluded } = review.review;
  if (status === "new" && !own && !has_note && !excluded && review.state !== "given") return null;
  const more = [
    excluded && t("review.excluded"),
    own && t("review.own", { score: number(own.score) }),
    has_note && t("review.note"),
  ].filter(Boolean);
  return (
    <>
      <span class={`status ${status}`}>
        <StatusSign status={status} /> {t(`status.${status}`)}
      </span>
      {more.length > 0 && <span class="small quiet">{more.join(", ")}</span>}
    </>
  );
}

export function whom(review: Pick<Review, "operator" | "operator_name">): string {
  return review.operator_name ?? review.operator ?? t("operator.nobody");
}

function Verdict({ review }: { review: Review }): JSX.Element {
  const { score, scale, satisfied, first_score, state } = review;
  if (state !== "given" || score === null || !scale) {
    return (
      <>
        <Sign part={state === "given" ? "satisfied" : state} />{" "}
        <span class="quiet">{t("review.notRated")}</span>
      </>
    );
  }
  return (
    <>
      <Stars score={score} scale={scale} satisfied={satisfied} />
      {first_score !== null && first_score !== score && (
        <span class="small quiet">{t("review.was", { score: number(first_score) })}</span>
      )}
    </>
  );
}

function Said({ review }: { review: Review }): JSX.Element {
  if (review.state !== "given") return <span class="why">{why(review)}</span>;
  const { comment } = review;
  return (
    <>
      {comment?.state === "open" ? (
        <span class="comment" lang={review.locale ?? undefined} dir="auto">
          {comment.text}
        </span>
      ) : (
        <span class="quiet">{t(comment ? `comment.${comment.state}` : "comment.none")}</span>
      )}
      {review.tags.map((tag) => (
        <span class="tag small" key={tag}>
          {tag}
        </span>
      ))}
    </>
  );
}

/** Why a close has no rating, in words. */
export function why(review: Review): string {
  const time = (at: string | null): string => (at ? shortTime(at, clock.value, address.value.zone) : "");
  switch (review.state) {
    case "given":
      return "";
    case "not_offered":
      return t(`why.${review.reason ?? "disabled"}` as "why.disabled");
    case "cancelled":
      return t(review.reason === "erased" ? "why.cancelled.erased" : "why.cancelled.reopened");
    case "pending":
      return review.expires_at ? t("why.pending", { time: time(review.expires_at) }) : t("part.pending");
    case "scheduled":
      return review.due_at ? t("why.scheduled", { time: time(review.due_at) }) : t("part.scheduled");
    default:
      return t(`why.${review.state}`);
  }
}

/** When it was closed, by which the list is ordered; and when it was rated. */
function When({ review }: { review: Review }): JSX.Element {
  const { zone } = address.value;
  const rated = review.given_at;
  return (
    <span class="when">
      <time dateTime={review.closed_at} title={exactTime(review.closed_at, zone)}>
        {timeFrom(review.closed_at)}
      </time>
      {rated && (
        <time class="small quiet" dateTime={rated} title={exactTime(rated, zone)}>
          {t("review.ratedAt", { time: timeFrom(rated) })}
        </time>
      )}
    </span>
  );
}

/** "3 min ago" for a day, then the date. */
function timeFrom(at: string): string {
  const isRecent = clock.value.getTime() - Date.parse(at) < 86_400_000;
  return isRecent ? ago(at, clock.value) : shortTime(at, clock.value, address.value.zone);
}

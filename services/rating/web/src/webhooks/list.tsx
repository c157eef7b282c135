/** All webhooks: where each leads, what it is told, and how its endpoint takes it. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { ago, exactTime, number, shortTime } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Offline } from "../offline.tsx";
import { t as room } from "../texts.ts";
import { within } from "./page.tsx";
import { channelsText, eventsText, isToldOfAnswers } from "./sentences.ts";
import { addressOf, type Store } from "./store.ts";
import { t } from "./texts.ts";
import type { Webhook } from "./webhook.ts";

export function List({ store }: { store: Store }): JSX.Element {
  useEffect(() => void store.load(), [store]);
  const webhooks = store.webhooks.value;
  const failure = store.failure.value;
  return (
    <div class="channel-list webhooks">
      <p class="crumb">
        <a href="/quality-control">{room("title")}</a> /
      </p>
      <div class="titles">
        <h1>{t("title")}</h1>
        {webhooks && webhooks.length > 0 && <New store={store} />}
      </div>
      <p class="lead">{t("list.text")}</p>
      <Offline />
      {failure && (
        <ProblemBanner problem={failure} title={t("list.failed")} own={room} again={() => store.load()} />
      )}
      {webhooks === null && !failure && <Skeleton />}
      {webhooks?.length === 0 && !failure && (
        <div class="empty">
          <b>{t("list.empty")}</b>
          <span>{t("list.emptyText")}</span>
          <div>
            <New store={store} first />
          </div>
        </div>
      )}
      <ul>
        {webhooks?.map((each) => (
          <Row key={each.webhook} store={store} webhook={each} />
        ))}
      </ul>
    </div>
  );
}

function New({ store, first = false }: { store: Store; first?: boolean }): JSX.Element {
  return (
    <a
      class={`button ${first ? "first" : ""}`}
      href={addressOf({ show: "new" })}
      onClick={within(store, { show: "new" })}
    >
      <Icon name="plus" /> {t("new")}
    </a>
  );
}

function Row({ store, webhook }: { store: Store; webhook: Webhook }): JSX.Element {
  const place = { show: "one", id: webhook.webhook } as const;
  const { score_at_or_below: score } = webhook;
  return (
    <li>
      <a class="hook" href={addressOf(place)} onClick={within(store, place)}>
        <span class="where">
          <b>{webhook.webhook}</b>
          <bdi class="small quiet one-line" title={webhook.url}>
            {webhook.url}
          </bdi>
        </span>
        <span class="what small">
          <span>{eventsText(webhook)}</span>
          <bdi class="quiet">
            {channelsText(webhook, store.channels.value)}
            {score !== null && isToldOfAnswers(webhook) && ` · ${t("list.score", { score: number(score) })}`}
          </bdi>
        </span>
        <span class="how small">
          <State webhook={webhook} />
          <LastDelivery at={webhook.delivered_at} />
        </span>
        <Icon name="arrow" />
      </a>
    </li>
  );
}

/** In words and a sign: on, failing, off or gone. */
export function State({ webhook }: { webhook: Webhook }): JSX.Element {
  const { gone, enabled, failing_since: since } = webhook;
  if (gone) return <Signed>{t("state.gone")}</Signed>;
  if (!enabled) {
    return (
      <span class="state quiet">
        <span class="live-dot off" /> {t("state.off")}
      </span>
    );
  }
  if (since) {
    return (
      <Signed title={exactTime(since)}>{t("state.failing", { time: shortTime(since, new Date()) })}</Signed>
    );
  }
  return (
    <span class="state">
      <span class="live-dot" /> {t("state.on")}
    </span>
  );
}

function Signed({ children, title }: { children: string; title?: string }): JSX.Element {
  return (
    <span class="state bad" title={title}>
      <Icon name="alert" /> {children}
    </span>
  );
}

function LastDelivery({ at }: { at: string | null }): JSX.Element {
  if (!at) return <span class="quiet">{t("list.nothingYet")}</span>;
  return (
    <span class="quiet" title={exactTime(at)}>
      {t("list.last", { ago: ago(at, new Date()) })}
    </span>
  );
}

function Skeleton(): JSX.Element {
  return (
    <div aria-busy="true">
      <p class="unseen">{t("loading")}</p>
      <ul aria-hidden="true">
        {[1, 2, 3].map((each) => (
          <li key={each}>
            <div class="skeleton" />
          </li>
        ))}
      </ul>
    </div>
  );
}

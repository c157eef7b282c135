/** The channels of whoever is signed in, and whether they ask. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../texts.ts";
import { service } from "./editor.ts";
import type { Channel } from "./settings.ts";

interface Shown {
  /** Whether what concerns all channels is theirs to set. */
  ofAll: boolean;
}

export function ChannelList({ ofAll }: Shown): JSX.Element {
  const channels = useSignal<Channel[] | null>(null);
  const problem = useSignal<Problem | null>(null);
  const load = async (): Promise<void> => {
    problem.value = null;
    try {
      channels.value = await service.channels();
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  useEffect(() => void load(), []);
  return (
    <div class="channel-list">
      <div class="titles">
        <h1>{t("title")}</h1>
        <nav class="of-all" aria-label={t("list.all")}>
          <a href="?default">{t("list.default")}</a>
          {ofAll && <a href="/webhooks">{t("list.webhooks")}</a>}
        </nav>
      </div>
      <p class="lead">{t("list.text")}</p>
      {problem.value && <ProblemBanner problem={problem.value} title={t("list.failed")} again={load} />}
      {channels.value === null && !problem.value && <Skeleton />}
      {channels.value?.length === 0 && (
        <p class="empty">
          <b>{t("list.empty")}</b>
          <span>{t("list.emptyText")}</span>
        </p>
      )}
      <ul>
        {channels.value?.map((each) => (
          <li key={each.channel}>
            <a href={`?channel=${encodeURIComponent(each.channel)}`}>
              <bdi>{each.name}</bdi>
              {each.channel !== each.name && <bdi class="small quiet">{each.channel}</bdi>}
              {each.closed && <span class="small quiet">{t("list.closed")}</span>}
              <span class="end">
                <span class={each.enabled ? "asks" : "quiet"}>
                  {t(each.enabled ? "list.asks" : "list.asksNobody")}
                </span>
                <span class="small quiet">{t("version", { version: each.version })}</span>
                <Icon name="arrow" />
              </span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Skeleton(): JSX.Element {
  return (
    <ul aria-hidden="true">
      {[1, 2, 3].map((each) => (
        <li key={each}>
          <div class="skeleton" />
        </li>
      ))}
    </ul>
  );
}

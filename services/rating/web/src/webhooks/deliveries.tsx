/** The log: what was and will be sent, by ids and without a client's word; and sending it again by hand. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Segments } from "@candor/ui/components/controls.tsx";
import { Icon, type IconName } from "@candor/ui/components/icons.tsx";
import { exactTime, shortTime } from "@candor/ui/format.ts";
import { followLink } from "@candor/ui/session.ts";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { t as room } from "../texts.ts";
import type { Editor } from "./editor.ts";
import { DeliveryLog } from "./log.ts";
import { outcomeText, outcomeTitle, reasonText } from "./sentences.ts";
import { t } from "./texts.ts";
import type { Delivery, DeliveryState } from "./webhook.ts";

const STATES = ["waiting", "delivered", "failed"] as const;
const LOOK_MS = 2_000;

interface Shown {
  editor: Editor;
  /** Whether anything would be sent now. */
  isOn: boolean;
  /** Where Live Chat is; null if that is not known. */
  liveChat: string | null;
}

export function Deliveries({ editor, isOn, liveChat }: Shown): JSX.Element {
  const log = useMemo(() => new DeliveryLog(editor.name), [editor]);
  useEffect(() => looking(log, editor), [log, editor]);
  const deliveries = log.deliveries.value;
  const state = log.state.value;
  const failure = log.failure.value;
  const redelivered = log.redelivered.value;
  return (
    <section aria-labelledby="heading-log">
      <h2 id="heading-log">{t("log")}</h2>
      <p class="about">{t("log.text")}</p>
      <div class="acts">
        <Segments
          label={t("log.state")}
          value={state ?? "all"}
          options={(["all", ...STATES] as const).map((value) => ({ value, text: t(`log.${value}`) }))}
          onChange={(value) => log.choose(value === "all" ? null : (value as DeliveryState))}
        />
        {state === "failed" && deliveries && deliveries.length > 0 && (
          <button type="button" class="button" disabled={!isOn} onClick={() => log.redeliverFailed()}>
            {t("log.allAgain")}
          </button>
        )}
      </div>
      <p class="note" role="status">
        {redelivered !== null && t("log.redelivered", { count: redelivered })}
        {!isOn && t("log.isOff")}
      </p>
      {failure && (
        <ProblemBanner problem={failure} title={t("log.failedToLoad")} own={room} again={() => log.load()} />
      )}
      {deliveries === null && !failure && <Skeleton />}
      {deliveries?.length === 0 && <p class="empty">{t(state ? "log.noneOfThese" : "log.none")}</p>}
      <ol class="deliveries">
        {deliveries?.map((each) => (
          <Row key={each.delivery} log={log} delivery={each} isOn={isOn} liveChat={liveChat} />
        ))}
      </ol>
      {log.more.value && (
        <button type="button" class="link" onClick={() => log.older()}>
          {t("log.older")}
        </button>
      )}
    </section>
  );
}

const SIGNS: Partial<Record<DeliveryState, IconName>> = { delivered: "check", failed: "alert" };

interface InRow extends Omit<Shown, "editor"> {
  log: DeliveryLog;
  delivery: Delivery;
}

function Row({ log, delivery, isOn, liveChat }: InRow): JSX.Element {
  const now = new Date();
  const { dialog, close_seq, created_at, state, attempts, message } = delivery;
  const close = `${dialog}.${close_seq}`;
  const reason = reasonText(delivery);
  const sign = SIGNS[state];
  return (
    <li>
      <time dateTime={created_at} title={exactTime(created_at)}>
        {shortTime(created_at, now)}
      </time>
      <span class="event">
        {t(`event.${delivery.type}`)}
        <span class="small quiet ids">
          {liveChat ? (
            <a
              href={`${liveChat}?review=${encodeURIComponent(close)}`}
              target="_blank"
              rel="noopener"
              onClick={followLink}
            >
              {close}
            </a>
          ) : (
            close
          )}{" "}
          · {message}
        </span>
      </span>
      <span class={`outcome ${state}`}>
        <span title={outcomeTitle(delivery)}>
          {sign ? <Icon name={sign} /> : <span class="live-dot behind" />} {outcomeText(delivery, now)}
        </span>
        <span class="small quiet">
          {t("log.attempts", { count: attempts })}
          {reason && ` · ${reason}`}
        </span>
      </span>
      <button
        type="button"
        class="link"
        disabled={!isOn}
        aria-label={t("log.againThis", { message })}
        onClick={() => log.redeliver(delivery.delivery)}
      >
        {t("log.again")}
      </button>
    </li>
  );
}

/** Reads, and looks again, how the webhook fares too, while something is due and the page is seen. */
function looking(log: DeliveryLog, editor: Editor): () => void {
  void log.load();
  const timer = setInterval(() => {
    if (document.hidden || !navigator.onLine || !log.isDue(Date.now())) return;
    void log.load();
    void editor.look();
  }, LOOK_MS);
  return () => clearInterval(timer);
}

function Skeleton(): JSX.Element {
  return (
    <div class="loading" aria-hidden="true">
      {[1, 2, 3].map((each) => (
        <div class="skeleton line" key={each} />
      ))}
    </div>
  );
}

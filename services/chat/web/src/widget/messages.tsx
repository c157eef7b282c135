/** The conversation, in the order of time. */
import { exactTime, moment, shortTime } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { linked } from "../linked.ts";
import type { Chat } from "./chat.ts";
import type { Item } from "./conversation.ts";
import { t } from "./texts.ts";

type Shown = Extract<Item, { kind: "message" }>;
type Close = Extract<Item, { kind: "close" }>;

export function Messages({ chat }: { chat: Chat }): JSX.Element {
  return (
    <ol class="messages">
      {chat.items.value.map((item) => (
        <li key={item.key} class={item.kind === "message" ? (item.mine ? "mine" : "theirs") : "line"}>
          {item.kind === "day" && <h3>{dayOf(item.at, new Date())}</h3>}
          {item.kind === "close" && closeLine(item)}
          {item.kind === "message" && <Message item={item} chat={chat} />}
        </li>
      ))}
    </ol>
  );
}

function dayOf(at: string, now: Date): string {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  const day = new Date(at).toDateString();
  if (day === now.toDateString()) return t("today");
  if (day === yesterday.toDateString()) return t("yesterday");
  const year = new Date(at).getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return moment(at, { weekday: "long", day: "numeric", month: "long", ...year });
}

function closeLine({ at, by, name }: Close): string {
  const time = shortTime(at, new Date());
  if (by === "operator" && name) return t("closed.operator", { name, time });
  return by === "client" ? t("closed.client", { time }) : t("closed.other", { time });
}

function Message({ item, chat }: { item: Shown; chat: Chat }): JSX.Element {
  const who = item.mine ? t("you") : (item.name ?? t("operator"));
  const gone = item.text.state === "open" ? null : t(item.text.state);
  return (
    <>
      <p class={gone ? "text gone" : "text"} dir="auto">
        <bdi class="unseen">{who}: </bdi>
        {gone ?? linked(item.text.text ?? "").map(part)}
      </p>
      {item.signs && <Signature item={item} chat={chat} />}
    </>
  );
}

function part(text: string, at: number): JSX.Element | string {
  if (at % 2 === 0) return text;
  return (
    <a href={text} target="_blank" rel="noopener noreferrer">
      {text}
    </a>
  );
}

function Signature({ item, chat }: { item: Shown; chat: Chat }): JSX.Element {
  const { at, key, mine, name, state } = item;
  if (state === "waiting" || state === "refused") return <NotSent item={item} chat={chat} />;
  const time = shortTime(at, new Date());
  const text = mine ? t(`state.${state}`, { time }) : t("signed", { name: name ?? t("operator"), time });
  return (
    <p class="signature" key={key} title={exactTime(at)}>
      {text}
    </p>
  );
}

function NotSent({ item, chat }: { item: Shown; chat: Chat }): JSX.Element {
  const code = item.trouble ?? "";
  const known = t(`problem.${code}` as "problem.unknown");
  return (
    <p class={`signature ${item.state}`} role={item.state === "refused" ? "alert" : undefined}>
      {item.state === "refused"
        ? `${t("state.refused")}. ${known || t("problem.unknown", { code })}`
        : t("state.waiting")}{" "}
      <button type="button" onClick={() => chat.outbox.again(item.key)}>
        {t("tryAgain")}
      </button>
      {item.state === "refused" && (
        <button type="button" onClick={() => chat.outbox.remove(item.key)}>
          {t("remove")}
        </button>
      )}
    </p>
  );
}

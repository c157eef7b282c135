/** The middle column: what was written in the dialog, and where the operator writes. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { exactTime, moment, shortTime, timeOfDay } from "@candor/ui/format.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { linked } from "../linked.ts";
import { t as shared } from "../texts.ts";
import { type Entry, type Message, type Transcript, timeline } from "../timeline.ts";
import { Composer } from "./composer.tsx";
import type { Unsent } from "./kept.ts";
import { focusOn } from "./keys.ts";
import type { DialogView } from "./lists.ts";
import { clientName, textOf } from "./names.ts";
import type { Store } from "./store.ts";
import { t } from "./texts.ts";
import { now } from "./waiting.ts";

interface Shown {
  store: Store;
  me: string;
  card: () => void;
}

export function Conversation({ store, me, card }: Shown): JSX.Element {
  const id = store.chosen.value;
  const view = store.view.value;
  if (!id) return <NoDialog store={store} />;
  const transcript = store.transcripts.value.get(id);
  const problem = store.dialogProblems.value.get(id);
  return (
    <main class="conversation">
      <Head store={store} view={view} me={me} card={card} />
      {transcript ? (
        <Messages store={store} me={me} transcript={transcript} unsent={store.kept.of(id).unsent} />
      ) : view?.waiting ? (
        <NotTaken store={store} view={view} />
      ) : problem ? (
        <div class="scrolls padded">
          <ProblemBanner
            problem={problem}
            title={t("dialog.failed")}
            own={shared}
            {...(problem.status === 404 ? {} : { again: () => void store.read(id) })}
          />
        </div>
      ) : (
        <Bones />
      )}
      {!(view?.waiting && !transcript) && <Composer store={store} dialog={id} view={view} me={me} />}
    </main>
  );
}

function NoDialog({ store }: { store: Store }): JSX.Element {
  const { waiting } = store.lists.value;
  return (
    <main class="conversation empty">
      <div class="center">
        <h1 tabIndex={-1}>{t("none.title")}</h1>
        <p>{waiting.length > 0 ? t("none.waiting", { count: waiting.length }) : t("none.nobody")}</p>
      </div>
    </main>
  );
}

interface Headed {
  store: Store;
  view: DialogView | null;
  me: string;
  card: () => void;
}

function Head({ store, view, me, card }: Headed): JSX.Element {
  const own = view?.state === "open" && view.operator === me;
  const channel = view && (store.channels.value.get(view.channel) ?? view.channel);
  const close = (): void => {
    if (view) void store.close(view.dialog).then((done) => done && focusOn(".conversation h1"));
  };
  return (
    <header class="column-head">
      <button
        type="button"
        class="button plain icon back"
        aria-label={t("back")}
        onClick={() => store.choose(null)}
      >
        <Icon name="back" />
      </button>
      <div class="who">
        <div class="line start">
          <h1 class="one-line" tabIndex={-1} dir="auto">
            {view ? clientName(view) : " "}
          </h1>
          {channel && (
            <span class="one-line quiet-text" dir="auto">
              {channel}
            </span>
          )}
        </div>
        {view && (
          <div class="small quiet one-line" title={exactTime(view.opened_at)}>
            {about(view, me)}
          </div>
        )}
      </div>
      <button type="button" class="button to-card" onClick={card}>
        <Icon name="user" /> <span class="word">{t("card")}</span>
      </button>
      {own && (
        <button type="button" class="button" disabled={store.busy.value.has(view.dialog)} onClick={close}>
          <Icon name="check" /> <span class="word">{t("close")}</span>
          <span class="keys" aria-hidden="true">
            <span class="kbd">Ctrl</span> <span class="kbd">E</span>
          </span>
        </button>
      )}
    </header>
  );
}

function about(view: DialogView, me: string): string {
  const opened = t("opened", { time: shortTime(view.opened_at, new Date(now.peek())) });
  if (view.waiting) return opened;
  const name = view.operator_name ?? view.operator ?? "";
  return view.operator === me ? opened : `${opened}, ${t("withAnother", { name })}`;
}

/** A dialog that waits can be read when it is taken: until then its last message tells what it is about. */
function NotTaken({ store, view }: { store: Store; view: DialogView }): JSX.Element {
  const take = (): void => {
    void store.take(view.dialog).then((taken) => taken && focusOn(".composer textarea"));
  };
  return (
    <div class="scrolls padded not-taken">
      {view.last_message && (
        <div class="message client">
          <p class="bubble" dir="auto">
            {textOf(view.last_message.text)}
          </p>
          <span class="small quiet">{shortTime(view.last_message.posted_at, new Date(now.peek()))}</span>
        </div>
      )}
      <p class="quiet-text">{t("notTaken")}</p>
      <button type="button" class="button first" disabled={store.busy.value.has(view.dialog)} onClick={take}>
        {t("take.this")}
      </button>
    </div>
  );
}

/** How near to the end counts as reading the newest. */
const NEAR_PX = 48;

interface Written {
  store: Store;
  me: string;
  transcript: Transcript;
  unsent: readonly Unsent[];
}

function Messages({ store, me, transcript, unsent }: Written): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const newer = useSignal(0);
  const messages = transcript.messages.length + transcript.sent.length;
  const before = useRef(messages);
  const own = transcript.sent.length + unsent.length;
  const ownBefore = useRef(own);
  useLayoutEffect(() => {
    const box = place.current;
    if (!box) return;
    // Whoever has just sent something wants to see it; whoever reads further up stays there.
    if (own > ownBefore.current) atEnd.current = true;
    if (atEnd.current) box.scrollTop = box.scrollHeight;
    else newer.value += Math.max(0, messages - before.current);
    before.current = messages;
    ownBefore.current = own;
  }, [messages, own]);
  useLayoutEffect(() => keptAtEnd(place.current, atEnd), []);
  const scrolled = (): void => {
    const box = place.current;
    if (!box) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    if (atEnd.current) newer.value = 0;
  };
  const down = (): void => {
    place.current?.scrollTo({ top: place.current.scrollHeight });
  };
  const delivering = store.delivering.value.has(transcript.dialog);
  const offline = store.connection.value.state === "offline";
  return (
    <div class="messages">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <div class="scrolls" ref={place} onScroll={scrolled} role="log" tabIndex={0} aria-label={t("messages")}>
        {messages === 0 && transcript.closes.length === 0 && <p class="none">{t("messages.none")}</p>}
        {timeline(transcript, dayOf).map((entry) => (
          <Line key={entry.key} entry={entry} me={me} operator={transcript.operator_name} />
        ))}
        {unsent.map((each) => (
          <div class={`message operator ${delivering ? "" : "failed"}`} key={each.message}>
            <p class="bubble" dir="auto">
              {each.text}
            </p>
            <span class="small quiet">{delivering ? t("message.sending") : t("message.unsent")}</span>
            {!delivering && offline && <span class="small quiet">{t("message.waits")}</span>}
          </div>
        ))}
        {unsent.length > 0 && !delivering && <Unsents store={store} dialog={transcript.dialog} />}
      </div>
      {newer.value > 0 && (
        <button type="button" class="button float newer" onClick={down}>
          {t("newer", { count: newer.value })}
        </button>
      )}
    </div>
  );
}

/** Stays at the end while the box gets smaller (the composer grows) or pictures of text settle. */
function keptAtEnd(box: HTMLElement | null, atEnd: { current: boolean }): (() => void) | undefined {
  if (!box) return;
  const sizes = new ResizeObserver(() => {
    if (atEnd.current) box.scrollTop = box.scrollHeight;
  });
  sizes.observe(box);
  return () => sizes.disconnect();
}

function Unsents({ store, dialog }: { store: Store; dialog: string }): JSX.Element {
  return (
    <div class="unsents">
      <button type="button" class="button" onClick={() => void store.deliver(dialog)}>
        {t("message.again")}
      </button>
      <button type="button" class="button plain" onClick={() => store.edit(dialog)}>
        {t("message.edit")}
      </button>
    </div>
  );
}

interface Told {
  entry: Entry;
  me: string;
  operator: string | null;
}

/** "Today", "Yesterday", else the whole date. */
function dayOf(at: string): string {
  const day = (moment: Date): string => moment.toDateString();
  const [today, yesterday] = [new Date(now.peek()), new Date(now.peek())];
  yesterday.setDate(yesterday.getDate() - 1);
  const its = day(new Date(at));
  if (its === day(today)) return t("today");
  return its === day(yesterday) ? t("yesterday") : moment(at, { dateStyle: "full" });
}

function Line({ entry, me, operator }: Told): JSX.Element {
  switch (entry.kind) {
    case "day":
      return <p class="day small quiet">{dayOf(entry.at)}</p>;
    case "message":
      return <Bubble message={entry.message} last={entry.last} me={me} />;
    case "closed":
      return (
        <p class="event" title={exactTime(entry.at)}>
          {t(`closed.${entry.ending.closed_by}`, { time: timeOfDay(entry.at), name: operator ?? "" })}
        </p>
      );
    case "reopened":
      return (
        <p class="event" title={exactTime(entry.at)}>
          {t("reopened", { time: timeOfDay(entry.at) })}
        </p>
      );
  }
}

function Bubble({ message, last, me }: { message: Message; last: boolean; me: string }): JSX.Element {
  const { author, operator, name, posted_at, text } = message;
  const time = timeOfDay(posted_at);
  const other = author === "operator" && operator !== me;
  return (
    <div class={`message ${author} ${last ? "" : "goes-on"}`}>
      <span class="unseen">{author === "client" ? t("by.client") : other ? name : t("by.me")}</span>
      <p class={`bubble ${text.state === "open" ? "" : "gone"}`} dir="auto">
        {linked(textOf(text)).map(part)}
      </p>
      {last && (
        <time class="small quiet" dateTime={posted_at} title={exactTime(posted_at)}>
          {other ? t("by.other", { name: name ?? operator ?? "", time }) : time}
        </time>
      )}
    </div>
  );
}

function part(text: string, at: number): JSX.Element | string {
  if (at % 2 === 0) return text;
  return (
    <a href={text} target="_blank" rel="noopener noreferrer" key={at}>
      {text}
    </a>
  );
}

function Bones(): JSX.Element {
  return (
    <div class="scrolls padded" aria-busy="true">
      <span class="unseen">{t("dialog.reading")}</span>
      {["client", "operator", "client", "operator"].map((author, at) => (
        <div class={`message ${author}`} key={at}>
          <span class="skeleton bubble" style={{ "--w": `${[42, 55, 30, 38][at]}%` }}>
            .
          </span>
        </div>
      ))}
    </div>
  );
}

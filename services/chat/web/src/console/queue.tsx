/** The left column: who works here, who waits, the operator's own dialogs, and whether the page is connected. */

import { Banner, ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { initials, LanguageMenu, PersonMenu, SchemeButton } from "@candor/ui/components/shell.tsx";
import { duration, exactTime, shortTime, timeOfDay } from "@candor/ui/format.ts";
import type { Person } from "@candor/ui/session.ts";
import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t as shared } from "../texts.ts";
import { SignInAgain } from "./composer.tsx";
import { focusOn, takeFirst } from "./keys.ts";
import { type DialogView, lastMoment, matches, waitingSince } from "./lists.ts";
import { clientName, textOf } from "./names.ts";
import type { Store } from "./store.ts";
import { t } from "./texts.ts";
import { now, waited } from "./waiting.ts";

interface Shown {
  store: Store;
  person: Person;
  signOut: () => Promise<void>;
  help: () => void;
}

export function Queue({ store, person, signOut, help }: Shown): JSX.Element {
  const wanted = useSignal("");
  const { waiting, mine, closed } = store.lists.value;
  const found = (view: DialogView): boolean => matches(view, clientName(view), wanted.value);
  const [ownFound, closedFound] = [mine.filter(found), closed.filter(found)];
  // The foot says that there is no network, and the list stays.
  const problem =
    store.views.value && store.listProblem.value?.code === "offline" ? null : store.listProblem.value;
  const reading = store.views.value === null && !store.listProblem.value;
  return (
    <nav class="queue" aria-label={t("queue")}>
      <header class="column-head">
        <strong class="one-line">{person.name ?? person.sub}</strong>
        <LanguageMenu />
        <SchemeButton />
        <PersonMenu person={person} signOut={signOut} />
      </header>
      <div class="lists">
        <Search wanted={wanted.value} change={(text) => (wanted.value = text)} />
        {store.signedOut.value ? (
          <Banner kind="bad" title={t("connection.signedOut")} actions={<SignInAgain />} />
        ) : (
          problem && (
            <ProblemBanner
              problem={problem}
              title={t("list.failed")}
              own={shared}
              again={() => void store.readList()}
            />
          )
        )}
        {reading && <Skeleton />}
        {store.views.value && (
          <>
            <Section
              name="waiting"
              title={t("waiting")}
              note={waiting.length > 1 ? t("waiting.note", { count: waiting.length }) : ""}
            >
              {waiting.map((view, at) => (
                <WaitingRow key={view.dialog} store={store} view={view} first={at === 0} />
              ))}
              {waiting.length === 0 && <p class="none">{t("waiting.none")}</p>}
            </Section>
            <div class="owned">
              <Section
                name="mine"
                title={t("mine")}
                note={mine.length > 0 ? t("mine.note", { count: mine.length }) : ""}
              >
                {ownFound.map((view) => (
                  <OwnRow key={view.dialog} store={store} view={view} />
                ))}
                {ownFound.length === 0 && (
                  <p class="none">{mine.length > 0 ? t("search.none") : t("mine.none")}</p>
                )}
              </Section>
              {closedFound.length > 0 && (
                <Section name="closed" title={t("closed")} note="">
                  {closedFound.map((view) => (
                    <OwnRow key={view.dialog} store={store} view={view} />
                  ))}
                </Section>
              )}
            </div>
          </>
        )}
      </div>
      <footer class="column-foot">
        <Connected store={store} />
        <button type="button" class="help" onClick={help}>
          <span class="kbd">?</span> {t("shortcuts")}
        </button>
      </footer>
      <WaitingSaid count={waiting.length} />
    </nav>
  );
}

function Search({ wanted, change }: { wanted: string; change: (text: string) => void }): JSX.Element {
  return (
    <div class="search">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        class="input"
        autocomplete="off"
        aria-label={t("search")}
        placeholder={t("search")}
        value={wanted}
        onInput={(event) => change(event.currentTarget.value)}
      />
      {wanted === "" && (
        <span class="kbd" aria-hidden="true">
          /
        </span>
      )}
    </div>
  );
}

interface Rows {
  name: string;
  title: string;
  note: string;
  children: ComponentChildren;
}

function Section({ name, title, note, children }: Rows): JSX.Element {
  return (
    <section class={`of-${name}`}>
      <h2>
        {title} {note && <span class="quiet">{note}</span>}
      </h2>
      <div class="rows">{children}</div>
    </section>
  );
}

interface Row {
  store: Store;
  view: DialogView;
}

function WaitingRow({ store, view, first }: Row & { first: boolean }): JSX.Element {
  const { dialog } = view;
  const channel = store.channels.value.get(view.channel) ?? view.channel;
  const take = (): void => {
    void store.take(dialog).then((taken) => taken && focusOn(".composer textarea"));
  };
  return (
    <div class={`row waiting ${store.chosen.value === dialog ? "chosen" : ""}`}>
      <button type="button" class="open" onClick={() => store.choose(dialog)}>
        <span class="line">
          <span class="name one-line" dir="auto">
            {clientName(view)}
          </span>
          <Waited since={waitingSince(view)} />
        </span>
        <span class="line quiet-text">
          <span class="one-line" dir="auto">
            {beginning(view)}
          </span>
        </span>
        <span class="line small quiet">
          <span class="one-line" dir="auto">
            {channel}
          </span>
        </span>
      </button>
      <button
        type="button"
        class="take"
        disabled={store.busy.value.has(dialog)}
        onClick={first ? () => takeFirst(store) : take}
      >
        {t("take")}
        <span class="unseen"> {clientName(view)}</span>{" "}
        {first && (
          <span class="kbd" aria-hidden="true">
            T
          </span>
        )}
      </button>
    </div>
  );
}

function OwnRow({ store, view }: Row): JSX.Element {
  const { dialog } = view;
  const chosen = store.chosen.value === dialog;
  const name = clientName(view);
  const unread = chosen ? 0 : store.unread(view);
  const { draft, unsent } = store.kept.of(dialog);
  return (
    <div class={`row own ${chosen ? "chosen" : ""}`}>
      <button
        type="button"
        class="open"
        aria-current={chosen ? "true" : undefined}
        onClick={() => {
          store.choose(dialog);
          if (matchMedia("(min-width: 800px)").matches)
            focusOn(".composer textarea:not([readonly])", ".conversation h1");
        }}
      >
        <span class="avatar" aria-hidden="true">
          {initials(view.client_name?.text ?? "") || <Icon name="user" />}
        </span>
        <span class="lines">
          <span class="line">
            <span class={`one-line ${view.waiting_since ? "name" : ""}`} dir="auto">
              {name}
            </span>
            {view.waiting_since ? (
              <Waited since={view.waiting_since} words />
            ) : (
              <span class="small quiet" title={exactTime(lastMoment(view))}>
                {shortTime(lastMoment(view), new Date(now.value))}
              </span>
            )}
          </span>
          <span class="line quiet-text">
            {unsent.length > 0 && !store.delivering.value.has(dialog) ? (
              <span class="one-line bad-text">{t("row.unsent", { count: unsent.length })}</span>
            ) : draft.trim() && !chosen ? (
              <span class="one-line warn-text">
                {t("draft")} <bdi>{draft}</bdi>
              </span>
            ) : (
              <span class="one-line" dir="auto">
                {beginning(view)}
              </span>
            )}
            {unread > 0 && (
              <span class="badge">
                {unread}
                <span class="unseen"> {t("unread", { count: unread })}</span>
              </span>
            )}
          </span>
        </span>
      </button>
    </div>
  );
}

function beginning({ last_message }: DialogView): string {
  return last_message ? textOf(last_message.text).replace(/\s+/gu, " ") : t("row.nothing");
}

/** Each row renders when its own text changes, not with every tick. */
function Waited({ since, words = false }: { since: string; words?: boolean }): JSX.Element {
  const text = useComputed(() => duration(waited(since)));
  return (
    <time class="waited" dateTime={since} title={exactTime(since)}>
      {words ? t("row.waits", { time: text.value }) : text.value}
    </time>
  );
}

function Connected({ store }: { store: Store }): JSX.Element {
  const { state, since } = store.connection.value;
  if (store.signedOut.value) return <State dot="off" text={t("connection.signedOut")} />;
  if (state === "live") return <State dot="" text={t("connection.live")} />;
  if (state === "offline")
    return <State dot="off" text={t("connection.offline", { time: timeOfDay(since) })} />;
  return <State dot="behind" text={t("connection.connecting")} />;
}

function State({ dot, text }: { dot: string; text: string }): JSX.Element {
  return (
    <span class="connection" role="status">
      <span class={`live-dot ${dot}`} /> {text}
    </span>
  );
}

const SAID_EVERY_MS = 30_000;

/** Says how many wait to whoever cannot see the list: at most twice a minute. */
function WaitingSaid({ count }: { count: number }): JSX.Element {
  const said = useSignal({ count: 0, at: 0 });
  useEffect(() => {
    const rest = Math.max(0, said.peek().at + SAID_EVERY_MS - Date.now());
    const timer = setTimeout(() => {
      said.value = { count, at: Date.now() };
    }, rest);
    return () => clearTimeout(timer);
  }, [count]);
  return (
    <span class="unseen" role="status">
      {said.value.count > 0 ? t("waiting.said", { count: said.value.count }) : ""}
    </span>
  );
}

function Skeleton(): JSX.Element {
  return (
    <div class="rows" aria-busy="true">
      <span class="unseen">{t("list.reading")}</span>
      {[60, 45, 70, 50, 65].map((width) => (
        <div class="row bones" key={width}>
          <span class="skeleton" style={{ "--w": `${width}%` }}>
            .
          </span>
          <span class="skeleton" style={{ "--w": `${width + 20}%` }}>
            .
          </span>
        </div>
      ))}
    </div>
  );
}

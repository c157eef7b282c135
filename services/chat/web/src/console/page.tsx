/** The operators' console: who waits and whom one talks to, the dialog, and its client. */
import { LanguageMenu, SchemeButton, SignInState } from "@candor/ui/components/shell.tsx";
import { type Person, session, token } from "@candor/ui/session.ts";
import { effect, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { problemText } from "../texts.ts";
import { ClientCard } from "./card.tsx";
import { Conversation } from "./conversation.tsx";
import { browserStorage } from "./kept.ts";
import { keys } from "./keys.ts";
import { Queue } from "./queue.tsx";
import { Shortcuts } from "./shortcuts.tsx";
import { Store } from "./store.ts";
import { t } from "./texts.ts";
import { CloseToast } from "./toast.tsx";
import { ticking } from "./waiting.ts";

export function ConsolePage(): JSX.Element {
  const now = session.value;
  if (now.state !== "signed-in") {
    return (
      <Bare>
        <SignInState />
      </Bare>
    );
  }
  if (!now.person.roles.includes("operator")) {
    return (
      <Bare>
        <Forbidden person={now.person} signOut={now.signOut} />
      </Bare>
    );
  }
  return <DeskPage person={now.person} signOut={now.signOut} />;
}

function Bare({ children }: { children: JSX.Element }): JSX.Element {
  document.title = t("title");
  return (
    <>
      <header class="bare-head">
        <LanguageMenu />
        <SchemeButton />
      </header>
      <main>{children}</main>
    </>
  );
}

interface Signed {
  person: Person;
  signOut: () => Promise<void>;
}

function Forbidden({ person, signOut }: Signed): JSX.Element {
  return (
    <div class="center">
      <h1>{t("forbidden.title")}</h1>
      <p>{t("forbidden.text", { name: person.name ?? person.sub, role: person.roles.join(", ") })}</p>
      <button type="button" class="button" onClick={signOut}>
        {t("forbidden.button")}
      </button>
    </div>
  );
}

function DeskPage({ person, signOut }: Signed): JSX.Element {
  const store = useMemo(() => new Store(person, token, browserStorage()), [person]);
  const card = useSignal(false);
  const help = useSignal(false);
  useEffect(() => running(store), [store]);
  useEffect(
    () =>
      keys(store, () => {
        help.value = true;
      }),
    [store],
  );
  const problem = store.listProblem.value;
  // Others may work at this machine next: what was typed goes, after asking. An expired token deletes nothing.
  const leave = async (): Promise<void> => {
    const count = store.kept.all.peek().size;
    if (count > 0 && !confirm(t("signOut.kept", { count }))) return;
    store.kept.forget();
    await signOut();
  };
  if (problem?.status === 403) {
    return (
      <Bare>
        <div class="center">
          <h1>{t("forbidden.title")}</h1>
          <p role="alert">{problemText(problem)}</p>
          <button type="button" class="button" onClick={leave}>
            {t("forbidden.button")}
          </button>
        </div>
      </Bare>
    );
  }
  const chosen = store.chosen.value;
  return (
    <div class={`store ${chosen ? "has-dialog" : ""} ${card.value ? "has-card" : ""}`}>
      <Queue store={store} person={person} signOut={leave} help={() => (help.value = true)} />
      <Conversation store={store} me={person.sub} key={chosen ?? ""} card={() => (card.value = true)} />
      {chosen && (
        <ClientCard
          store={store}
          key={`card ${chosen}`}
          close={() => (card.value = false)}
          open={card.value}
        />
      )}
      <CloseToast store={store} />
      {help.value && <Shortcuts close={() => (help.value = false)} />}
    </div>
  );
}

/** Follows what changes, and keeps the address, the tab's title and other tabs' drafts in step. */
function running(store: Store): () => void {
  store.choose(inAddress());
  const back = (): void => store.choose(inAddress());
  const seen = (): void => store.look();
  const stored = (event: StorageEvent): void => store.kept.heard(event);
  addEventListener("popstate", back);
  addEventListener("storage", stored);
  document.addEventListener("visibilitychange", seen);
  const stops = [
    ticking(),
    store.start(),
    effect(() => write(store.chosen.value)),
    effect(() => {
      const waiting = store.lists.value.waiting.length;
      document.title = waiting > 0 ? t("title.waiting", { count: waiting }) : t("title");
    }),
    () => removeEventListener("popstate", back),
    () => removeEventListener("storage", stored),
    () => document.removeEventListener("visibilitychange", seen),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function inAddress(): string | null {
  return new URLSearchParams(location.search).get("dialog");
}

/** A first dialog is a step forward, so that a phone's Back leads to the list; others take its place. */
function write(dialog: string | null): void {
  const before = inAddress();
  if (dialog === before) return;
  const address = dialog ? `?dialog=${encodeURIComponent(dialog)}` : location.pathname;
  history[before ? "replaceState" : "pushState"](null, "", address);
}

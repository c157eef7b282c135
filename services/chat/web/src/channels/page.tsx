/** The settings of channels: all of them at the left, the chosen one beside. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { type NavigationEntry, Shell } from "@candor/ui/components/shell.tsx";
import { type Person, session, token } from "@candor/ui/session.ts";
import { settings } from "@candor/ui/settings.ts";
import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { t as shared } from "../texts.ts";
import { Editor } from "./editor.tsx";
import { NEW, Store } from "./store.ts";
import { t } from "./texts.ts";

export interface Urls {
  chat: string;
  rating: string;
  analytics: string;
}

const { urls } = settings<{ urls: Urls }>();

export function ChannelsPage(): JSX.Element {
  document.title = t("title");
  const now = session.value;
  const navigation = now.state === "signed-in" ? entries(now.person) : [];
  return (
    <Shell navigation={navigation}>
      {(person) => (isSupervising(person) ? <Channels person={person} /> : <Forbidden person={person} />)}
    </Shell>
  );
}

function isSupervising({ roles }: Person): boolean {
  return roles.includes("supervisor") || roles.includes("admin");
}

/** The other pages refuse operators, whatever else they are. */
function isOpen(person: Person): boolean {
  return isSupervising(person) && !person.roles.includes("operator");
}

function entries(person: Person): NavigationEntry[] {
  const here = { address: "/channels", text: t("nav.channels"), current: true };
  if (!isOpen(person)) return [here];
  return [
    { address: `${urls.analytics}/live-chat`, text: t("nav.liveChat") },
    here,
    { address: `${urls.rating}/quality-control`, text: t("nav.qualityControl") },
  ];
}

function Forbidden({ person }: { person: Person }): JSX.Element {
  return (
    <div class="center">
      <h1>{t("forbidden.title")}</h1>
      <p>{t("forbidden.text", { name: person.name ?? person.sub, role: person.roles.join(", ") })}</p>
    </div>
  );
}

function Channels({ person }: { person: Person }): JSX.Element {
  const store = useMemo(() => new Store(token), [person]);
  useEffect(() => running(store), [store]);
  const admin = person.roles.includes("admin");
  const channels = store.channels.value;
  const chosen = store.chosen.value;
  const problem = store.problem.value;
  return (
    <div class={`channels ${chosen ? "has-channel" : ""}`}>
      <div class="listed">
        <div class="line">
          <h1>{t("title")}</h1>
          {admin && channels !== null && (
            <button type="button" class="button" onClick={() => store.choose(NEW)}>
              <Icon name="plus" /> {t("new")}
            </button>
          )}
        </div>
        {problem && (
          <ProblemBanner problem={problem} title={t("list.failed")} own={shared} again={() => store.read()} />
        )}
        {channels === null && !problem && <Bones />}
        <List store={store} />
        {channels?.length === 0 && <p class="quiet">{t(admin ? "list.none" : "list.noneOfYours")}</p>}
      </div>
      <div class="shown">
        {chosen && store.edited.value ? (
          <Editor store={store} admin={admin} others={isOpen(person)} urls={urls} key={chosen} />
        ) : chosen && channels !== null ? (
          <p class="quiet">{t("gone", { id: chosen })}</p>
        ) : (
          channels !== null && channels.length > 0 && <p class="quiet">{t("choose")}</p>
        )}
      </div>
    </div>
  );
}

function List({ store }: { store: Store }): JSX.Element {
  const chosen = store.chosen.value;
  return (
    <ul class="list">
      {store.channels.value?.map(({ channel, name, closed }) => (
        <li key={channel}>
          <button
            type="button"
            aria-current={channel === chosen ? "true" : undefined}
            onClick={() => store.choose(channel)}
          >
            <span class="line">
              <strong class="one-line" dir="auto">
                {name}
              </strong>
              {store.edits.value.has(channel) && (
                <span class="unsaved" title={t("unsaved")}>
                  <span class="unseen">{t("unsaved")}</span>
                </span>
              )}
            </span>
            <span class="small quiet one-line">
              {channel}
              {closed && ` · ${t("list.closed")}`}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Bones(): JSX.Element {
  return (
    <div class="list" aria-busy="true">
      <span class="unseen">{t("list.reading")}</span>
      {[60, 75, 50].map((width) => (
        <div class="bones" key={width}>
          <span class="skeleton" style={{ "--w": `${width}%` }}>
            .
          </span>
          <span class="skeleton small" style={{ "--w": `${width - 20}%` }}>
            .
          </span>
        </div>
      ))}
    </div>
  );
}

/** Reads, and keeps the address in step with what is shown. */
function running(store: Store): () => void {
  const inAddress = (): string | null => new URLSearchParams(location.search).get("channel");
  const back = (): void => store.choose(inAddress());
  store.choose(inAddress());
  void store.read();
  const leaving = (event: BeforeUnloadEvent): void => {
    if (store.edits.peek().size > 0) event.preventDefault();
  };
  const stop = effect(() => {
    const chosen = store.chosen.value;
    if (chosen === inAddress()) return;
    history.pushState(null, "", chosen ? `?channel=${encodeURIComponent(chosen)}` : location.pathname);
  });
  addEventListener("popstate", back);
  addEventListener("beforeunload", leaving);
  return () => {
    stop();
    removeEventListener("popstate", back);
    removeEventListener("beforeunload", leaving);
  };
}

/** The right column: who the client is, as far as they said, and their other dialogs. */

import { Icon } from "@candor/ui/components/icons.tsx";
import { initials } from "@candor/ui/components/shell.tsx";
import { exactTime, moment } from "@candor/ui/format.ts";
import { formatTag } from "@candor/ui/i18n.ts";
import { sentence } from "@candor/ui/problems.ts";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t as shared } from "../texts.ts";
import { clientName, textOf } from "./names.ts";
import type { ClientView, Store } from "./store.ts";
import { t } from "./texts.ts";

interface Shown {
  store: Store;
  open: boolean;
  close: () => void;
}

export function ClientCard({ store, open, close }: Shown): JSX.Element {
  const view = store.view.value;
  const dialog = store.chosen.value;
  const readable = view !== null && !view.waiting;
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (dialog && readable) void store.readClient(dialog);
  }, [store, dialog, readable]);
  useEffect(() => {
    if (!open) return;
    place.current?.querySelector<HTMLElement>(".shut-card")?.focus();
    return () => document.querySelector<HTMLElement>(".to-card")?.focus();
  }, [open]);
  const pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    close();
  };
  const client = dialog ? store.clients.value.get(dialog) : undefined;
  return (
    <aside class={`card ${open ? "open" : ""}`} aria-label={t("card")} ref={place} onKeyDown={pressed}>
      <header class="column-head">
        {view && (
          <>
            <span class="avatar" aria-hidden="true">
              {initials(view.client_name?.text ?? "") || <Icon name="user" />}
            </span>
            <div class="who">
              <strong class="one-line" dir="auto">
                {clientName(view)}
              </strong>
              <div class="small quiet">{t("client")}</div>
            </div>
          </>
        )}
        <button type="button" class="button plain icon shut-card" aria-label={t("card.shut")} onClick={close}>
          <Icon name="cross" />
        </button>
      </header>
      <div class="scrolls">
        {client && <Facts store={store} client={client} />}
        {!client && readable && !store.clientProblem.value && <CardBones />}
        {!client && store.clientProblem.value && (
          <p class="none">{sentence(store.clientProblem.value, shared)}</p>
        )}
        {view?.waiting && <p class="none">{t("card.waiting")}</p>}
      </div>
    </aside>
  );
}

function Facts({ store, client }: { store: Store; client: ClientView }): JSX.Element {
  return (
    <>
      <dl>
        {/* A name that is there stands above. */}
        {client.name?.state !== "open" && (
          <Fact term={t("fact.name")}>{client.name && <bdi>{textOf(client.name)}</bdi>}</Fact>
        )}
        <Fact term={t("fact.email")}>{client.email && <Address text={textOf(client.email)} />}</Fact>
        <Fact term={t("fact.language")}>{client.locale && language(client.locale)}</Fact>
        <Fact term={t("fact.channel")}>
          <bdi>{store.channels.value.get(client.channel) ?? client.channel}</bdi>
        </Fact>
        <Fact term={t("fact.since")}>
          <span title={exactTime(client.since)}>{moment(client.since, { dateStyle: "medium" })}</span>
        </Fact>
      </dl>
      <h2>
        {t("earlier")} {client.earlier.length > 0 && <span class="quiet">{client.earlier.length}</span>}
      </h2>
      {client.earlier.length === 0 && <p class="none">{t("earlier.none")}</p>}
      <ul class="earlier">
        {client.earlier.map((each) => (
          <li key={each.dialog}>
            <Earlier store={store} earlier={each} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** May be broken after the @. */
function Address({ text }: { text: string }): JSX.Element {
  const at = text.lastIndexOf("@") + 1;
  return (
    <bdi>
      {text.slice(0, at)}
      <wbr />
      {text.slice(at)}
    </bdi>
  );
}

function Fact({ term, children }: { term: string; children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{term}</dt>
      <dd>{children || <span class="quiet">{t("fact.unknown")}</span>}</dd>
    </>
  );
}

type EarlierDialog = ClientView["earlier"][number];

function Earlier({ store, earlier }: { store: Store; earlier: EarlierDialog }): JSX.Element {
  const { dialog, state, opened_at, operator_name, own } = earlier;
  const lines = (
    <>
      <span class="line">
        <span title={exactTime(opened_at)}>{moment(opened_at, { dateStyle: "medium" })}</span>
        <span class="small quiet">{t(`earlier.${state}`)}</span>
      </span>
      <span class="small quiet one-line" dir="auto">
        {operator_name ?? t("earlier.nobody")}
      </span>
    </>
  );
  if (!own) return <div class="open">{lines}</div>;
  return (
    <button type="button" class="open" onClick={() => store.choose(dialog)}>
      {lines}
    </button>
  );
}

/** "French (Canada)"; the tag itself where the browser knows no name. */
function language(tag: string): string {
  try {
    return new Intl.DisplayNames(formatTag.value, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

function CardBones(): JSX.Element {
  return (
    <div class="padded" aria-busy="true">
      <span class="unseen">{t("card.reading")}</span>
      {[70, 85, 50, 60, 45].map((width) => (
        <span class="skeleton" key={width} style={{ "--w": `${width}%` }}>
          .
        </span>
      ))}
    </div>
  );
}

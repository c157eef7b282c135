/** One channel: its settings, and how a site gets its widget. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Switch } from "@candor/ui/components/controls.tsx";
import { Copied } from "@candor/ui/components/copied.tsx";
import { Done } from "@candor/ui/components/done.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { timeOfDay } from "@candor/ui/format.ts";
import { formatTag } from "@candor/ui/i18n.ts";
import { followLink } from "@candor/ui/session.ts";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t as shared } from "../texts.ts";
import { type Channel, embedding, type Field, policy, tagOf } from "./form.ts";
import type { Urls } from "./page.tsx";
import { Rows } from "./rows.tsx";
import { NEW, type Store } from "./store.ts";
import { t } from "./texts.ts";

interface Shown {
  store: Store;
  admin: boolean;
  /** Whether the other pages are open to whoever this is. */
  others: boolean;
  urls: Urls;
}

export function Editor({ store, admin, others, urls }: Shown): JSX.Element | null {
  const edited = store.edited.value;
  useEffect(() => saving(store), [store]);
  useEffect(() => {
    if (store.chosen.peek() === NEW) document.getElementById("channel")?.focus();
  }, [store]);
  if (!edited) return null;
  const isNew = store.chosen.value === NEW;
  return (
    <form
      class="editor"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save(store);
      }}
    >
      <button type="button" class="button plain back" onClick={() => store.choose(null)}>
        <Icon name="back" /> {t("title")}
      </button>
      <h2 class="title" dir="auto">
        {isNew ? t("new.title") : (store.before.value?.name ?? "")}
      </h2>
      {!isNew && others && <Tabs channel={edited.channel} urls={urls} />}
      {!admin && <p class="read-only">{t("readOnly")}</p>}
      {store.refused.value && (
        <ProblemBanner problem={store.refused.value} title={t("notSaved")} own={shared} />
      )}
      <Settings store={store} edited={edited} admin={admin} isNew={isNew} />
      {!isNew && <Widget channel={edited} urls={urls} />}
      <UnsavedBar store={store} />
    </form>
  );
}

function Tabs({ channel, urls }: { channel: string; urls: Urls }): JSX.Element {
  const query = `?channel=${encodeURIComponent(channel)}`;
  return (
    <nav class="tabs" aria-label={t("tabs")}>
      <a href={query} aria-current="page">
        {t("tab.general")}
      </a>
      <a href={`${urls.rating}/quality-control${query}`} onClick={followLink}>
        {t("nav.qualityControl")}
      </a>
    </nav>
  );
}

interface Set {
  store: Store;
  edited: Channel;
  admin: boolean;
  isNew: boolean;
}

function Settings({ store, edited, admin, isNew }: Set): JSX.Element {
  const changes = store.changes.value;
  const row = (field: Field) => ({ label: t(`field.${field}`), changed: !isNew && changes.includes(field) });
  return (
    <div class="rows">
      <Row
        {...row("channel")}
        for="channel"
        note={isNew ? t("note.channel") : ""}
        wrong={store.wrong.value.channel}
      >
        {isNew ? (
          <input
            {...input(store, "channel")}
            value={edited.channel}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => store.edit({ channel: event.currentTarget.value.trim() })}
          />
        ) : (
          <code id="channel">{edited.channel}</code>
        )}
      </Row>
      <Row {...row("name")} for="name" note={t("note.name")} wrong={store.wrong.value.name}>
        <input
          {...input(store, "name")}
          value={edited.name}
          readOnly={!admin}
          dir="auto"
          onInput={(event) => store.edit({ name: event.currentTarget.value })}
        />
      </Row>
      <Row {...row("allowed_origins")} note={t("note.allowed_origins")}>
        <Rows
          field="allowed_origins"
          texts={edited.allowed_origins}
          wrong={store.wrong.value}
          admin={admin}
          placeholder="https://school.example"
          change={(allowed_origins) => store.edit({ allowed_origins })}
        />
      </Row>
      <Row {...row("locales")} note={t("note.locales")}>
        <Rows
          field="locales"
          texts={edited.locales}
          wrong={store.wrong.value}
          admin={admin}
          placeholder="fr-CA"
          about={languageName}
          change={(locales) => store.edit({ locales })}
        />
      </Row>
      <Row
        {...row("time_zone")}
        for="time_zone"
        note={zoneNote(edited.time_zone)}
        wrong={store.wrong.value.time_zone}
      >
        <input
          {...input(store, "time_zone")}
          list="zones"
          value={edited.time_zone}
          readOnly={!admin}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => store.edit({ time_zone: event.currentTarget.value.trim() })}
        />
        <datalist id="zones">
          {Intl.supportedValuesOf("timeZone").map((zone) => (
            <option value={zone} key={zone} />
          ))}
        </datalist>
      </Row>
      <Row {...row("closed")} note={t("note.closed")}>
        <span class="switched">
          <Switch
            label={t("field.closed")}
            on={!edited.closed}
            disabled={!admin}
            onChange={(on) => store.edit({ closed: !on })}
          />
          {t(edited.closed ? "closed.yes" : "closed.no")}
        </span>
      </Row>
    </div>
  );
}

function input(store: Store, field: Field) {
  const wrong = store.wrong.value[field];
  return {
    id: field,
    class: "input",
    "aria-invalid": wrong ? true : undefined,
    "aria-describedby": `${field}-note`,
  } as const;
}

interface Labelled {
  label: string;
  changed: boolean;
  note: string;
  for?: string;
  wrong?: string | undefined;
  children: ComponentChildren;
}

function Row({ label, changed, note, for: field, wrong, children }: Labelled): JSX.Element {
  return (
    <div class={`row ${changed ? "changed" : ""}`} {...(field ? {} : { role: "group", "aria-label": label })}>
      {field ? <label htmlFor={field}>{label}</label> : <span class="label">{label}</span>}
      <div class="control">
        {children}
        <div id={field && `${field}-note`}>
          {wrong && <p class="wrong">{fieldText(wrong)}</p>}
          {note && <p class="small quiet">{note}</p>}
        </div>
      </div>
    </div>
  );
}

/** The sentence for a field's error code. */
export function fieldText(code: string): string {
  return shared(`field.${code}` as never) || shared("field.not-valid");
}

function languageName(tag: string): string {
  const known = tagOf(tag);
  if (!known) return "";
  const name = new Intl.DisplayNames(formatTag.value, { type: "language" }).of(known) ?? "";
  return name === known ? "" : name;
}

function zoneNote(zone: string): string {
  try {
    return t("note.time_zone", { time: timeOfDay(new Date(), zone) });
  } catch {
    return t("note.time_zone.search");
  }
}

function Widget({ channel, urls }: { channel: Channel; urls: Urls }): JSX.Element {
  return (
    <section class="widget">
      <h3>{t("widget.title")}</h3>
      <p class="quiet-text">{t(channel.allowed_origins.length > 0 ? "widget.text" : "widget.noSites")}</p>
      <Copied label={t("widget.code")} text={embedding(urls.chat, channel.channel)} />
      <p class="quiet-text">{t("widget.policy")}</p>
      <Copied label={t("widget.lines")} text={policy(urls.chat, urls.rating)} />
    </section>
  );
}

function UnsavedBar({ store }: { store: Store }): JSX.Element | null {
  const changes = store.changes.value;
  if (changes.length === 0) return <Done at={store.saved.value}>{t("saved")}</Done>;
  const wrong = Object.keys(store.wrong.value).length;
  return (
    <div class="bar float" role="status">
      <span class="dot" />
      <span class="grows">
        <strong>{t("changes", { count: changes.length })}</strong>{" "}
        {wrong > 0 ? (
          <span class="bad-text">{t("changes.wrong", { count: wrong })}</span>
        ) : (
          <span class="quiet-text">{changes.map((field) => t(`field.${field}`)).join(", ")}</span>
        )}
      </span>
      <button type="button" class="button" onClick={() => discard(store)}>
        {t("discard")}
      </button>
      <button type="submit" class="button first" disabled={store.saving.value}>
        {t(store.chosen.value === NEW ? "save.new" : "save")}
      </button>
    </div>
  );
}

function discard(store: Store): void {
  store.discard();
  if (store.chosen.peek() === NEW) store.choose(null);
}

async function save(store: Store): Promise<void> {
  if (await store.save()) return;
  requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}

/** Ctrl+S saves, or Cmd+S. */
function saving(store: Store): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.code !== "KeyS") return;
    event.preventDefault();
    void save(store);
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

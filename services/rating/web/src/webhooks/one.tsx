/** One webhook: what it does in a sentence, its settings, its secret, its log, and its end. */
import { Banner, ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Done } from "@candor/ui/components/done.tsx";
import { sentence as problemText } from "@candor/ui/problems.ts";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Offline } from "../offline.tsx";
import { Emphasised } from "../quality-control/emphasised.tsx";
import { t as room } from "../texts.ts";
import { Deliveries } from "./deliveries.tsx";
import type { Editor, Meanwhile } from "./editor.ts";
import { Delete } from "./end.tsx";
import { Fields } from "./fields.tsx";
import { State } from "./list.tsx";
import { go, within } from "./page.tsx";
import { Secret } from "./secret.tsx";
import { sentenceOf, valueText } from "./sentences.ts";
import { addressOf, type Store } from "./store.ts";
import { t } from "./texts.ts";
import { type Draft, differences } from "./webhook.ts";

export interface Opened {
  store: Store;
  editor: Editor;
}

export function OnePage({ store, editor, liveChat }: Opened & { liveChat: string | null }): JSX.Element {
  useEffect(() => void (editor.saved.peek() ? editor.look() : editor.load()), [editor]);
  useEffect(() => saving(store, editor), [store, editor]);
  const saved = editor.saved.value;
  const failure = editor.failure.value;
  if (!saved && !editor.isNew) {
    return failure ? <Failed store={store} editor={editor} /> : <Loading />;
  }
  return (
    <div class="webhook">
      <p class="crumb">
        <a href={addressOf({ show: "list" })} onClick={within(store, { show: "list" })}>
          {t("title")}
        </a>{" "}
        /
      </p>
      <div class="titles">
        <h1>{editor.known ?? t("new")}</h1>
        {saved && <State webhook={saved} />}
      </div>
      <p class="sentence">
        <Emphasised text={sentenceOf(editor.draft.value, store.channels.value)} />
      </p>
      <Said store={store} editor={editor} />
      <Fields store={store} editor={editor} />
      {saved && <Secret editor={editor} saved={saved} />}
      {saved && <Deliveries editor={editor} isOn={saved.enabled && !saved.gone} liveChat={liveChat} />}
      {saved && <Delete store={store} editor={editor} />}
      <UnsavedBar store={store} editor={editor} />
      <Done at={editor.savedAt.value}>{t("saved")}</Done>
    </div>
  );
}

export async function save(store: Store, editor: Editor): Promise<void> {
  const webhook = await editor.save();
  if (!webhook) {
    requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
    return;
  }
  if (!editor.isNew) return store.saved(webhook);
  store.made(webhook);
  go(store, { show: "one", id: webhook.webhook }, "replace");
}

/** Ctrl+S saves. */
function saving(store: Store, editor: Editor): () => void {
  const pressed = (event: KeyboardEvent): void => {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    if (editor.unsaved.value) void save(store, editor);
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

/** What stands above the settings: no network, what somebody else saved, a refusal, and an endpoint that is gone. */
function Said({ store, editor }: Opened): JSX.Element {
  const saved = editor.saved.value;
  const meanwhile = editor.meanwhile.value;
  const refusal = editor.refusal.value;
  return (
    <div class="said">
      <Offline />
      {meanwhile && <SavedMeanwhile store={store} editor={editor} meanwhile={meanwhile} />}
      {refusal && <ProblemBanner problem={refusal} title={t("refused")} own={room} />}
      {saved?.gone && (
        <Banner
          kind="bad"
          title={t("gone.title")}
          actions={
            <button
              type="button"
              class="button"
              disabled={editor.busy.value}
              onClick={() => save(store, editor)}
            >
              {t("gone.again")}
            </button>
          }
        >
          {t("gone.text")}
        </Banner>
      )}
    </div>
  );
}

function SavedMeanwhile({ store, editor, meanwhile }: Opened & { meanwhile: Meanwhile }): JSX.Element {
  const columns: [string, Draft][] = [
    [t("meanwhile.before"), meanwhile.before],
    [t("meanwhile.theirs"), meanwhile.theirs],
    [t("meanwhile.yours"), editor.draft.value],
  ];
  const fields = new Set(columns.flatMap(([, draft]) => differences(meanwhile.before, draft)));
  return (
    <div class="meanwhile">
      <Banner kind="warn" title={t("meanwhile.title")}>
        {t("meanwhile.text")}
      </Banner>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
      <section class="compared" tabIndex={0} aria-label={t("meanwhile.title")}>
        <table class="comparison">
          <thead>
            <tr>
              <th scope="col">{room("compare.setting")}</th>
              {columns.map(([head]) => (
                <th scope="col" key={head}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {[...fields].map((field) => (
              <tr key={field}>
                <th scope="row">{t(`field.${field}`)}</th>
                {columns.map(([head, draft]) => (
                  <td key={head} dir="auto">
                    {valueText(field, draft, store.channels.value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function UnsavedBar({ store, editor }: Opened): JSX.Element | null {
  if (!editor.unsaved.value && !editor.isNew) return null;
  const wrong = Object.keys(editor.wrong.value).length;
  const discard = (): void => {
    editor.discard();
    if (editor.isNew) go(store, { show: "list" });
  };
  return (
    <section class="unsaved" aria-label={room("unsaved.label")}>
      {!editor.isNew && (
        <>
          <span class="dot" />
          <b>{room("unsaved.count", { count: editor.changes.value.length })}</b>
          <span class="changes">{editor.changes.value.map((field) => t(`field.${field}`)).join(", ")}</span>
        </>
      )}
      {wrong > 0 && <span class="wrong">{room("unsaved.wrong", { count: wrong })}</span>}
      <span class="actions">
        <button type="button" class="button" disabled={editor.busy.value} onClick={discard}>
          {room("discard")}
        </button>
        <button
          type="button"
          class="button first"
          disabled={editor.busy.value}
          aria-keyshortcuts="Control+S"
          onClick={() => save(store, editor)}
        >
          {t(editor.isNew ? "make" : "save")}
        </button>
      </span>
    </section>
  );
}

function Failed({ store, editor }: Opened): JSX.Element | null {
  const problem = editor.failure.value;
  if (!problem) return null;
  const list = { show: "list" } as const;
  return (
    <div class="center">
      <h1>{t(problem.status === 404 ? "missing.title" : "failed.title")}</h1>
      <p role="alert">{problemText(problem, room)}</p>
      {problem.status === 404 ? (
        <a href={addressOf(list)} onClick={within(store, list)}>
          {t("missing.list")}
        </a>
      ) : (
        <button type="button" class="button" onClick={() => editor.load()}>
          {room("failed.again")}
        </button>
      )}
    </div>
  );
}

function Loading(): JSX.Element {
  return (
    <div class="webhook loading" aria-busy="true">
      <p class="unseen">{t("loading")}</p>
      <div aria-hidden="true">
        <div class="skeleton title" />
        {[1, 2, 3, 4, 5].map((row) => (
          <div class="row" key={row}>
            <div class="skeleton" />
            <div class="skeleton short" />
          </div>
        ))}
      </div>
    </div>
  );
}

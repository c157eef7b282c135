/** The settings of one channel: sections left, the preview right, and a bar while something is not saved. */
import { Banner, ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Done } from "@candor/ui/components/done.tsx";
import { exactTime, number, shortTime } from "@candor/ui/format.ts";
import { type Problem, sentence } from "@candor/ui/problems.ts";
import { followLink } from "@candor/ui/session.ts";
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Offline } from "../offline.tsx";
import { t } from "../texts.ts";
import { Ask } from "./ask.tsx";
import { Comparison } from "./comparison.tsx";
import { DryRunBar } from "./dry-run.tsx";
import type { Editor, Meanwhile } from "./editor.ts";
import { History } from "./history.tsx";
import { How } from "./how.tsx";
import { Preview, PreviewChoice } from "./preview.tsx";
import { What, When } from "./sections.tsx";
import { labelOf, valueText } from "./sentences.ts";
import { isDefault, type Part, type Section, type Settings, sectionsOf, type View } from "./settings.ts";
import { Words } from "./words.tsx";

const fieldSentence = (code: string): string =>
  t(`field.${code}` as "field.not-valid") || t("field.not-valid");

interface Opened {
  editor: Editor;
  /** Where Live Chat is; null if that is not known. */
  liveChat: string | null;
  /** Where the other settings of the channel are; null if that is not known, and for the default. */
  general: string | null;
  /** Whether nothing can be changed. */
  readOnly: boolean;
  /** Whether what is for admins can be changed. */
  isAdmin: boolean;
}

export function EditorPage({ editor, ...opened }: Opened): JSX.Element {
  useEffect(() => void editor.load(), [editor]);
  const view = editor.view.value;
  const settings = editor.settings.value;
  if (view && settings) {
    return <Loaded editor={editor} {...opened} view={view} settings={settings} />;
  }
  const failure = editor.failure.value;
  return failure ? <Failed problem={failure} again={() => editor.load()} /> : <Loading />;
}

interface Shown {
  editor: Editor;
  view: View;
  settings: Settings;
}

function Loaded({ general, liveChat, readOnly, isAdmin, ...shown }: Shown & Opened): JSX.Element {
  const { editor, view, settings } = shown;
  const choice = useMemo(() => new PreviewChoice(), []);
  useEffect(() => whileOpen(editor), [editor]);
  const refusal = editor.refusal.value;
  const meanwhile = editor.meanwhile.value;
  return (
    <div class="quality-control">
      <Head view={view} general={general} />
      <div class="columns">
        <Index editor={editor} view={view} />
        <fieldset class="sections" disabled={readOnly}>
          <Offline />
          {readOnly && <p class="read-only">{t("default.readOnly")}</p>}
          {(meanwhile || refusal) && (
            <Seen key={refusal ? "refusal" : meanwhile?.version}>
              {meanwhile && <SavedMeanwhile {...shown} meanwhile={meanwhile} />}
              {refusal && <ProblemBanner problem={refusal} title={t("save.failed")} own={t} />}
            </Seen>
          )}
          <Ask {...shown} />
          <When {...shown} />
          <What {...shown} />
          <Words {...shown} preview={choice} />
          <How {...shown} isAdmin={isAdmin} />
          {!isDefault(view) && <History {...shown} />}
        </fieldset>
        <Preview
          view={view}
          settings={settings}
          choice={choice}
          colours={settings.accent === null ? null : editor.colours.value}
          unsaved={editor.changed.value.length > 0}
        />
      </div>
      <UnsavedBar {...shown} liveChat={liveChat} />
      <Done at={editor.saved.value}>{t("save.done", { version: view.version })}</Done>
    </div>
  );
}

/** What came of saving stands above the sections: whoever saved further down is brought there. */
function Seen({ children }: { children: ComponentChildren }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div class="seen" ref={place}>
      {children}
    </div>
  );
}

/** Ctrl+S saves, and leaving with what is not saved asks. */
function whileOpen(editor: Editor): () => void {
  const keys = (event: KeyboardEvent): void => {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    void editor.save(fieldSentence);
  };
  const leaving = (event: BeforeUnloadEvent): void => {
    if (editor.unsaved.value) event.preventDefault();
  };
  addEventListener("keydown", keys);
  addEventListener("beforeunload", leaving);
  return () => {
    removeEventListener("keydown", keys);
    removeEventListener("beforeunload", leaving);
  };
}

function Head({ view, general }: { view: View; general: string | null }): JSX.Element {
  const at = view.saved_at;
  return (
    <div class="page-head">
      <div>
        <p class="crumb">
          <a href="/quality-control">{t("title")}</a> /
        </p>
        <h1>{isDefault(view) ? t("default.title") : <bdi>{view.name}</bdi>}</h1>
        {isDefault(view) && <p class="quiet">{t("default.text")}</p>}
      </div>
      <p class="quiet" title={at ? exactTime(at) : undefined}>
        {at
          ? t("head.version", {
              version: view.version,
              time: shortTime(at, new Date()),
              who: view.saved_by?.name ?? "",
            })
          : t("head.default")}
        {!isDefault(view) && <> · {closesText(view.recent_closes)}</>}
      </p>
      {general && (
        <nav class="tabs" aria-label={t("tabs")}>
          <a href={general} onClick={followLink}>
            {t("tab.general")}
          </a>
          <a href={location.search} aria-current="page">
            {t("title")}
          </a>
        </nav>
      )}
    </div>
  );
}

/** The service counts no further than this. */
const MOST_COUNTED = 10_000;

function closesText(count: number): string {
  if (count < MOST_COUNTED) return t("head.closes", { count });
  return t("head.manyCloses", { count: number(count) });
}

function Index({ editor, view }: { editor: Editor; view: View }): JSX.Element {
  const current = useSignal<Section>("ask");
  const sections = sectionsOf(view);
  useEffect(() => {
    const watch = (): void => {
      const passed = sections.filter(
        (name) => (document.getElementById(name)?.getBoundingClientRect().top ?? 1e9) < 140,
      );
      const last = innerHeight + scrollY >= document.documentElement.scrollHeight - 4;
      current.value = (last ? sections : passed).at(-1) ?? "ask";
    };
    addEventListener("scroll", watch, { passive: true });
    return () => removeEventListener("scroll", watch);
  }, []);
  return (
    <nav class="index" aria-label={t("index")}>
      {sections.map((name) => (
        <a key={name} href={`#${name}`} aria-current={current.value === name ? "true" : undefined}>
          {t(`section.${name}`)}
          {editor.changedSections.value.has(name) && (
            <span class="dot">
              <span class="unseen">{t("index.changed")}</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

function SavedMeanwhile({ meanwhile, view, settings }: Shown & { meanwhile: Meanwhile }): JSX.Element {
  const open = useSignal(false);
  const { who, version, when, before } = meanwhile;
  return (
    <div class="meanwhile">
      <Banner
        kind="warn"
        title={t("meanwhile.title", { who, version, time: shortTime(when, new Date()) })}
        actions={
          <button
            type="button"
            class="button"
            aria-expanded={open.value}
            onClick={() => (open.value = !open.value)}
          >
            {t("meanwhile.compare")}
          </button>
        }
      >
        {t("meanwhile.text")}
      </Banner>
      {open.value && (
        <Comparison
          columns={[
            { head: t("meanwhile.before"), settings: before },
            { head: who, settings: view.settings },
            { head: t("meanwhile.yours"), settings },
          ]}
        />
      )}
    </div>
  );
}

function UnsavedBar({
  editor,
  view,
  settings,
  liveChat,
}: Shown & Pick<Opened, "liveChat">): JSX.Element | null {
  if (!editor.unsaved.value) return null;
  const parts = editor.changed.value;
  const wrong = Object.keys(editor.wrong.value).length;
  const saved = editor.view.value?.settings ?? settings;
  return (
    <section class="unsaved" aria-label={t("unsaved.label")}>
      <span class="dot" />
      <b>{t("unsaved.count", { count: parts.length })}</b>
      <span class="changes">
        {parts.slice(0, 3).map((part) => (
          <Change key={part} part={part} before={saved} after={settings} />
        ))}
        {parts.length > 3 && <span>{t("unsaved.more", { count: parts.length - 3 })}</span>}
      </span>
      {!isDefault(view) && <DryRunBar editor={editor} settings={settings} liveChat={liveChat} />}
      {wrong > 0 && <span class="wrong">{t("unsaved.wrong", { count: wrong })}</span>}
      <span class="actions">
        <button type="button" class="button" disabled={editor.saving.value} onClick={() => editor.discard()}>
          {t("discard")}
        </button>
        <button
          type="button"
          class="button first"
          disabled={editor.saving.value || wrong > 0}
          aria-keyshortcuts="Control+S"
          onClick={() => editor.save(fieldSentence)}
        >
          {t(editor.saving.value ? "saving" : "save")}
        </button>
      </span>
    </section>
  );
}

/** Its values before and after where they say what changed: texts are long, and of lists it is only the length. */
function Change({ part, before, after }: { part: Part; before: Settings; after: Settings }): JSX.Element {
  const [from, to] = [valueText(part, before), valueText(part, after)];
  return (
    <span>
      {labelOf(part)}
      {from !== to && !part.startsWith("texts.") && (
        <>
          {" "}
          {from} <span aria-hidden="true">→</span> {to}
        </>
      )}
    </span>
  );
}

function Failed({ problem, again }: { problem: Problem; again: () => void }): JSX.Element {
  const forbidden = problem.status === 403;
  return (
    <div class="center">
      <h1>{t(forbidden ? "forbidden.title" : "failed.title")}</h1>
      <p role="alert">{sentence(problem, t)}</p>
      {forbidden ? (
        <a href="/quality-control">{t("forbidden.list")}</a>
      ) : (
        <button type="button" class="button" onClick={again}>
          {t("failed.again")}
        </button>
      )}
    </div>
  );
}

function Loading(): JSX.Element {
  return (
    <div class="quality-control loading" aria-busy="true">
      <p class="unseen">{t("loading")}</p>
      <div class="page-head" aria-hidden="true">
        <div class="skeleton title" />
      </div>
      <div class="columns" aria-hidden="true">
        <div class="index" />
        <div class="sections">
          {[1, 2].map((section) => (
            <section key={section}>
              <div class="skeleton heading" />
              <div class="skeleton" />
              {[1, 2, 3].map((row) => (
                <div class="row" key={row}>
                  <div class="skeleton" />
                  <div class="skeleton short" />
                </div>
              ))}
            </section>
          ))}
        </div>
        <div class="preview">
          <div class="skeleton stage" />
        </div>
      </div>
    </div>
  );
}

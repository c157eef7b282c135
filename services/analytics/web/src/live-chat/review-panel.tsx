/** What supervisors write about the close in the drawer: status, own score, and a note that saves itself. */
import { Banner, ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Segments } from "@candor/ui/components/controls.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { exactTime, number, shortTime } from "@candor/ui/format.ts";
import { asProblem, type Problem, sentence } from "@candor/ui/problems.ts";
import { effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../texts.ts";
import { address, go, STATUSES } from "./address.ts";
import { type CloseDetails, details, keyOf, readAgain, reviews } from "./data.ts";
import {
  type CloseReview,
  type ExclusionReason,
  type ReviewChange,
  ReviewEditor,
  type Status,
} from "./review-editor.ts";
import { clock } from "./toolbar.tsx";

const LONGEST_NOTE = 4000;
const FEW_SCORES = 20;
const REASONS: readonly ExclusionReason[] = ["test", "spam", "duplicate", "rated_by_mistake", "other"];
/** After which numbers know of an exclusion. */
const COUNTED_MS = 500;

/** By close: what was typed stays when another one is opened. */
const editors = new Map<string, ReviewEditor>();
/** The closes whose notes could not be saved. */
const failed = signal<ReadonlySet<string>>(new Set());

function editorOf(read: CloseDetails): ReviewEditor {
  const key = keyOf(read);
  let editor = editors.get(key);
  if (!editor) {
    const close = { dialog: read.dialog, close_seq: read.close_seq };
    const made = new ReviewEditor(close, read.review, (review) => shared(key, review));
    effect(() => {
      const isLeft = made.noteProblem.value !== null || made.isOvertaken.value;
      const others = [...failed.peek()].filter((each) => each !== key);
      failed.value = new Set(isLeft ? [...others, key] : others);
    });
    editors.set(key, made);
    editor = made;
  }
  return editor;
}

/** What was saved, to the list and to what the drawer was read as. */
function shared(key: string, review: CloseReview): void {
  const { data } = details.value;
  if (data && data.review.excluded !== review.excluded) setTimeout(() => void readAgain(), COUNTED_MS);
  if (data && keyOf(data) === key) details.value = { ...details.value, data: { ...data, review } };
  const list = reviews.value.data;
  if (!list) return;
  const rows = list.rows.map((each) => (keyOf(each) === key ? { ...each, review } : each));
  reviews.value = { ...reviews.value, data: { ...list, rows } };
}

/** Sets the status of the close in the drawer. */
export function setStatus(status: Status): void {
  const { data } = details.value;
  if (data && keyOf(data) === address.value.review) void editorOf(data).setStatus(status);
}

/** Asks before the page is left while something is not saved, and saves it when the page is hidden. */
export function useUnsavedNotes(): void {
  useEffect(() => {
    const unsaved = (): ReviewEditor[] => [...editors.values()].filter(({ draft }) => draft.value !== null);
    const leaving = (event: BeforeUnloadEvent): void => {
      if (unsaved().length) event.preventDefault();
    };
    const hidden = (): void => {
      if (document.hidden) for (const each of unsaved()) void each.flush();
    };
    addEventListener("beforeunload", leaving);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      removeEventListener("beforeunload", leaving);
      document.removeEventListener("visibilitychange", hidden);
    };
  }, []);
}

/** Says over the page that a note is not saved, once its drawer is closed. */
export function UnsavedNotes(): JSX.Element | null {
  const key = [...failed.value].find((each) => each !== address.value.review);
  if (!key) return null;
  const open = (
    <button type="button" class="button" onClick={() => go({ review: key })}>
      {t("note.openUnsaved")}
    </button>
  );
  return (
    <Banner kind="warn" title={t("note.failed")} actions={open}>
      {t("note.kept")}
    </Banner>
  );
}

export function ReviewPanel({ read }: { read: CloseDetails }): JSX.Element {
  const editor = editorOf(read);
  useEffect(() => editor.take(read.review), [read.review]);
  useEffect(() => () => void editor.flush(), [editor]);
  return (
    <section class="written" aria-label={t("written.title")}>
      <div class="written-marks">
        <StatusChoice editor={editor} />
        <OwnScoreChoice editor={editor} />
      </div>
      <Refusal problem={editor.problem.value} />
      <Note editor={editor} />
      <Exclusion editor={editor} />
      <History editor={editor} />
    </section>
  );
}

/** A ring for new, half of it for in work, all of it for done. */
export function StatusSign({ status }: { status: Status }): JSX.Element {
  return (
    <svg class="status-sign" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
      <circle cx="6" cy="6" r="4.75" fill={status === "done" ? "currentColor" : "none"} />
      {status === "in_work" && <path d="M6 1.25a4.75 4.75 0 0 1 0 9.5z" fill="currentColor" stroke="none" />}
      {status === "done" && <path class="tick" d="M3.8 6.2 5.4 7.8 8.3 4.5" fill="none" />}
    </svg>
  );
}

function StatusChoice({ editor }: { editor: ReviewEditor }): JSX.Element {
  const options = STATUSES.map((value) => ({
    value,
    name: t(`status.${value}`),
    text: (
      <>
        <StatusSign status={value} /> {t(`status.${value}`)}
      </>
    ),
  }));
  return (
    <div class="written-choice">
      <span class="quiet" aria-hidden="true">
        {t("status.title")}
      </span>
      <Segments
        label={t("status.title")}
        value={editor.written.value.status}
        options={options}
        onChange={(status) => void editor.setStatus(status)}
      />
    </div>
  );
}

function OwnScoreChoice({ editor }: { editor: ReviewEditor }): JSX.Element {
  const { own_score: own, scale } = editor.written.value;
  const { lowest, highest } = own && own.score > scale.highest ? own : scale;
  const length = Math.min(FEW_SCORES, highest - lowest + 1);
  const choices = Array.from({ length }, (_, at) => highest - at);
  const text = (score: number, to: number): string =>
    t("score.of", { score: number(score), highest: number(to) });
  return (
    <label class="written-choice">
      <span class="quiet">{t("ownScore.title")}</span>
      <span class="picker">
        <select
          value={own?.score ?? ""}
          onChange={({ currentTarget: { value } }) =>
            void editor.setOwnScore(value === "" ? null : Number(value))
          }
        >
          <option value="">{t("ownScore.none")}</option>
          {choices.map((each) => (
            <option key={each} value={each}>
              {text(each, each === own?.score ? own.highest : highest)}
            </option>
          ))}
        </select>
        <Icon name="chevron" />
      </span>
    </label>
  );
}

function Refusal({ problem }: { problem: Problem | null }): JSX.Element | null {
  if (!problem) return null;
  const isOvertaken = problem.code === "changed-meanwhile";
  return (
    <p class="wrong" role="alert">
      {isOvertaken ? t("written.theirsShown") : `${t("written.notSaved")} ${sentence(problem, t)}`}
    </p>
  );
}

function Note({ editor }: { editor: ReviewEditor }): JSX.Element {
  const { note } = editor.written.value;
  const isErased = note !== null && note.state !== "open" && editor.draft.value === null;
  return (
    <>
      <textarea
        class="input"
        rows={2}
        dir="auto"
        maxLength={LONGEST_NOTE}
        aria-label={t("note.title")}
        aria-describedby="note-state"
        placeholder={isErased ? t(`note.${note.state}` as "note.erased") : t("note.placeholder")}
        value={editor.note.value}
        onInput={({ currentTarget }) => editor.type(currentTarget.value)}
        onBlur={() => void editor.flush()}
      />
      {editor.isOvertaken.value ? (
        <Overtaken editor={editor} />
      ) : (
        editor.noteProblem.value && (
          <ProblemBanner
            problem={editor.noteProblem.value}
            title={t("note.failed")}
            own={t}
            again={() => void editor.flush()}
          />
        )
      )}
      <p class="small quiet" id="note-state">
        <span role="status">{noteState(editor)}</span> {t("note.seenBy")}
      </p>
    </>
  );
}

function noteState({ draft, noteProblem, isSaving, written }: ReviewEditor): string {
  if (isSaving.value) return t("note.saving");
  if (draft.value !== null) return t(noteProblem.value ? "note.kept" : "note.unsaved");
  const { note_written: last, note } = written.value;
  if (!last) return "";
  const said = { time: shortTime(last.at, clock.value, address.value.zone), name: last.by.name };
  return t(note ? "note.saved" : "note.removed", said);
}

/** Somebody else's note beside one's own: both are there until one is chosen. */
function Overtaken({ editor }: { editor: ReviewEditor }): JSX.Element {
  const { note, note_written: last } = editor.written.value;
  const actions = (
    <span class="written-actions">
      <button type="button" class="button" onClick={() => void editor.keepMine()}>
        {t("note.keepMine")}
      </button>
      <button type="button" class="button" onClick={() => editor.takeTheirs()}>
        {t("note.takeTheirs")}
      </button>
    </span>
  );
  return (
    <Banner kind="warn" title={t("note.overtaken", { name: last?.by.name ?? "" })} actions={actions}>
      <span class="their-note" dir="auto">
        {note?.text ?? t("note.theirsRemoved")}
      </span>
    </Banner>
  );
}

/** Whether the close counts; if it doesn't, why, and who said so. */
function Exclusion({ editor }: { editor: ReviewEditor }): JSX.Element {
  const { excluded, exclusion_set: last } = editor.written.value;
  if (!excluded) {
    return (
      <p class="written-exclusion">
        <label class="picker">
          <select
            aria-label={t("exclusion.title")}
            value=""
            onChange={({ currentTarget: { value } }) => void editor.exclude(value as ExclusionReason)}
          >
            <option value="">{t("exclusion.choose")}</option>
            {REASONS.map((each) => (
              <option key={each} value={each}>
                {t(`exclusion.${each}`)}
              </option>
            ))}
          </select>
          <Icon name="chevron" />
        </label>
        <span class="small quiet">{t("exclusion.what")}</span>
      </p>
    );
  }
  const said = last && { time: shortTime(last.at, clock.value, address.value.zone), name: last.by.name };
  return (
    <p class="written-exclusion">
      <span>
        {t("exclusion.is", { reason: t(`exclusion.${excluded}`) })}{" "}
        {said && <span class="small quiet">{t("exclusion.by", said)}</span>}
      </span>
      <button type="button" class="button" onClick={() => void editor.exclude(null)}>
        {t("exclusion.undo")}
      </button>
    </p>
  );
}

function History({ editor }: { editor: ReviewEditor }): JSX.Element | null {
  const { version } = editor.written.value;
  const [isOpen, open] = useState(false);
  const [changes, show] = useState<readonly ReviewChange[] | null>(null);
  const [problem, fail] = useState<Problem | null>(null);
  useEffect(() => {
    if (!isOpen) return;
    editor.history().then(
      (read) => {
        show(read);
        fail(null);
      },
      (error) => fail(asProblem(error)),
    );
  }, [isOpen, version, editor]);
  if (version === 1) return null;
  return (
    <>
      <button type="button" class="link small" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
        {t("history.open")}
      </button>
      {isOpen && problem && <p class="wrong">{sentence(problem, t)}</p>}
      {isOpen && changes && (
        <ol class="changes small">
          {changes.map((each) => (
            <li key={`${each.at} ${each.kind}`}>
              <time class="quiet" dateTime={each.at} title={exactTime(each.at, address.value.zone)}>
                {shortTime(each.at, clock.value, address.value.zone)}
              </time>
              <span>
                {each.by.name}
                <span class="changed" dir="auto">
                  {changed(each)}
                </span>
              </span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

function changed({ kind, status, own_score: own, note, excluded }: ReviewChange): string {
  if (kind === "exclusion") {
    return excluded ? t("exclusion.is", { reason: t(`exclusion.${excluded}`) }) : t("exclusion.undone");
  }
  if (kind === "status") return t("history.status", { status: t(`status.${status ?? "new"}`) });
  if (kind === "own_score") {
    return own
      ? t("history.ownScore", { score: number(own.score), highest: number(own.highest) })
      : t("history.ownScoreRemoved");
  }
  if (!note) return t("history.noteRemoved");
  return note.state === "open" ? (note.text ?? "") : t(`note.${note.state}` as "note.erased");
}

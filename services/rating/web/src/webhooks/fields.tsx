/** What can be set of a webhook: a row for each, marked while it differs from what is saved. */
import { Switch } from "@candor/ui/components/controls.tsx";
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Check } from "../quality-control/fields.tsx";
import { t as room } from "../texts.ts";
import type { Opened } from "./one.tsx";
import { isToldOfAnswers, nameOf, valueText } from "./sentences.ts";
import { t } from "./texts.ts";
import { draftOf, EVENTS, type Event, type Field, HIGHEST_SCORE } from "./webhook.ts";

const MOST_CHANNELS = 100;

export function Fields({ store, editor }: Opened): JSX.Element {
  const draft = editor.draft.value;
  const row = (field: Field) => ({ store, editor, field });
  const tell = (event: Event, on: boolean): void =>
    editor.change({ events: EVENTS.filter((each) => (each === event ? on : draft.events.includes(each))) });
  return (
    <div class="rows">
      {editor.isNew && <Id store={store} editor={editor} />}
      <Row {...row("url")} note={t("note.url")}>
        <input
          {...described(editor.wrong.value.url, "url")}
          class="input address"
          type="url"
          placeholder="https://crm.example/candor"
          aria-label={t("field.url")}
          autocomplete="off"
          spellcheck={false}
          value={draft.url}
          onInput={(event) => editor.change({ url: event.currentTarget.value })}
        />
      </Row>
      <Row {...row("events")} note={t("note.events")}>
        <fieldset class="choices" aria-label={t("field.events")}>
          {EVENTS.map((event) => (
            <Check
              key={event}
              label={t(`told.${event}`)}
              on={draft.events.includes(event)}
              onChange={(on) => tell(event, on)}
            />
          ))}
        </fieldset>
      </Row>
      <Row {...row("channels")} note={draft.channels.length === 0 ? t("note.channels") : undefined}>
        <Channels store={store} editor={editor} />
      </Row>
      {isToldOfAnswers(draft) && (
        <Row {...row("score_at_or_below")} note={t("note.score")}>
          <Score store={store} editor={editor} />
        </Row>
      )}
      <Row {...row("enabled")} note={draft.enabled ? undefined : t("note.off")}>
        <Switch
          label={t("field.enabled")}
          on={draft.enabled}
          onChange={(enabled) => editor.change({ enabled })}
        />
        <span>{t(draft.enabled ? "state.on" : "state.off")}</span>
      </Row>
    </div>
  );
}

function Id({ editor }: Opened): JSX.Element {
  const wrong = editor.wrong.value.id;
  return (
    <div class="row">
      <span class="label">{t("field.id")}</span>
      <div class="control">
        <input
          {...described(wrong, "id")}
          class="input"
          placeholder="crm"
          aria-label={t("field.id")}
          autocomplete="off"
          spellcheck={false}
          maxLength={64}
          value={editor.id.value}
          onInput={(event) => (editor.id.value = event.currentTarget.value)}
        />
        <Wrong code={wrong} field="id" />
        <p class="note">{t("note.id")}</p>
      </div>
    </div>
  );
}

interface InRow extends Opened {
  field: Field;
  note?: string | undefined;
  children: ComponentChildren;
}

function Row({ store, editor, field, note, children }: InRow): JSX.Element {
  const saved = editor.saved.value;
  const isChanged = saved !== null && editor.changes.value.includes(field);
  return (
    <div class={isChanged ? "row changed" : "row"}>
      <span class="label">{t(`field.${field}`)}</span>
      <div class="control">
        {children}
        {isChanged && (
          <span class="was">
            {room("was", { value: valueText(field, draftOf(saved), store.channels.value) })}
          </span>
        )}
        <Wrong code={editor.wrong.value[field]} field={field} />
        {note && <p class="note">{note}</p>}
      </div>
    </div>
  );
}

function Wrong({ code, field }: { code: string | undefined; field: Field | "id" }): JSX.Element | null {
  if (!code) return null;
  return (
    <p class="wrong" id={`wrong-${field}`} role="alert">
      {t(`wrong.${code as "url"}`) || room(`field.${code as "too-long"}`) || room("field.not-valid")}
    </p>
  );
}

function described(wrong: string | undefined, field: Field | "id") {
  return wrong ? { "aria-invalid": true, "aria-describedby": `wrong-${field}` } : {};
}

/** None is every one, those that are made later too. */
function Channels({ store, editor }: Opened): JSX.Element {
  const next = useSignal("");
  const chosen = editor.draft.value.channels;
  const names = store.channels.value;
  const left = [...names].filter(([channel]) => !chosen.includes(channel));
  const add = (): void => {
    if (next.value) editor.change({ channels: [...chosen, next.value] });
    next.value = "";
  };
  return (
    <>
      {chosen.length === 0 && <span>{t("channels.all")}</span>}
      {chosen.map((channel) => (
        <button
          type="button"
          class="chip"
          key={channel}
          aria-label={room("words.remove", { word: nameOf(channel, names) })}
          onClick={(event) => {
            // The chip is gone, and the focus would be with it.
            event.currentTarget.parentElement?.querySelector("select")?.focus();
            editor.change({ channels: chosen.filter((each) => each !== channel) });
          }}
        >
          <bdi class="one-line">{nameOf(channel, names)}</bdi> <span aria-hidden="true">×</span>
        </button>
      ))}
      {left.length > 0 && chosen.length < MOST_CHANNELS && (
        <span class="adds">
          <select
            class="input"
            aria-label={t("channels.which")}
            value={next.value}
            onChange={(event) => (next.value = event.currentTarget.value)}
          >
            <option value="">{t(chosen.length > 0 ? "channels.more" : "channels.only")}</option>
            {left.map(([channel, name]) => (
              <option key={channel} value={channel}>
                {name === channel ? name : `${name} (${channel})`}
              </option>
            ))}
          </select>
          <button type="button" class="button" disabled={!next.value} onClick={add}>
            {room("words.addButton")}
          </button>
        </span>
      )}
    </>
  );
}

function Score({ editor }: Opened): JSX.Element {
  const { score_at_or_below: score } = editor.draft.value;
  const text = useSignal(String(score ?? ""));
  useEffect(() => {
    const shown = /^\s*\d+\s*$/.test(text.value) ? Number(text.value) : Number.NaN;
    if (score !== null && !Number.isNaN(score) && shown !== score) text.value = String(score);
  }, [score]);
  return (
    <>
      <Check
        label={t("score.only")}
        on={score !== null}
        onChange={(on) => editor.change({ score_at_or_below: on ? 2 : null })}
      />
      {score !== null && (
        <input
          {...described(editor.wrong.value.score_at_or_below, "score_at_or_below")}
          class="input count"
          inputMode="numeric"
          aria-label={t("field.score_at_or_below")}
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value;
            const typed = /^\s*\d+\s*$/.test(text.value) ? Number(text.value) : HIGHEST_SCORE + 1;
            editor.change({ score_at_or_below: typed });
          }}
        />
      )}
    </>
  );
}

/** The question: a score, then a comment, then one button that names what it sends. */
import { number, shortTime } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { now } from "./clock.ts";
import { type Form, lengthOf, needsComment, tagsWith } from "./form.ts";
import { inItsDirection, ownLanguage, Refusal, refusalText } from "./parts.tsx";
import { Scale } from "./scale.tsx";
import type { FormStore } from "./store.ts";
import { t } from "./texts.ts";
import { aboutText, lengthText, requiredScores, scoreText, sendText } from "./words.ts";

/** From this part of the longest comment on its length is shown. */
const NEAR = 0.8;

interface Asked {
  store: FormStore;
  form: Form;
}

export function Question({ store, form }: Asked): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const { score } = store.draft.value;
  const again = form.state !== "pending";
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!(await store.send())) field.current?.focus();
  };
  return (
    <form onSubmit={send} noValidate>
      <h1 id="question" tabIndex={-1} {...ownLanguage(form)}>
        {form.texts.question}
      </h1>
      <p>
        {aboutText(form, now.value)} {form.operator_name && t("about.with", { name: form.operator_name })}
      </p>
      <Scale form={form} chosen={score} onChoose={(chosen) => store.choose(chosen)} />
      <Ends form={form} score={score} />
      {score !== null && <Tags store={store} form={form} score={score} />}
      {score !== null && form.comment.mode !== "off" && (
        <Comment store={store} form={form} score={score} field={field} />
      )}
      {score !== null &&
        form.follow_ups.map((asked) => <FollowUp key={asked.id} store={store} form={form} asked={asked} />)}
      <div class="foot">
        <Unsent store={store} />
        {score !== null && <SendButton store={store} form={form} score={score} />}
        {again ? (
          <button type="button" class="plain" onClick={() => store.close()}>
            {t("keep")}
          </button>
        ) : (
          score === null && (
            <button type="button" class="plain" onClick={() => store.decline()}>
              {t("noThanks")}
            </button>
          )
        )}
        {store.sending.value === "idle" && <Notes form={form} chosen={score !== null} />}
      </div>
    </form>
  );
}

function Ends({ form, score }: { form: Form; score: number | null }): JSX.Element {
  return (
    <p class="ends" {...ownLanguage(form)} aria-hidden="true">
      {score === null ? (
        <>
          <span>{form.texts.low_end}</span>
          <span>{form.texts.high_end}</span>
        </>
      ) : (
        <b>{scoreText(form, score)}</b>
      )}
    </p>
  );
}

interface Written extends Asked {
  score: number;
  field: { current: HTMLTextAreaElement | null };
}

function Comment({ store, form, score, field }: Written): JSX.Element {
  const { comment } = store.draft.value;
  const wrong = store.wrongComment.value;
  const length = lengthOf(comment);
  const most = form.comment.max_length;
  const need = needsComment(form, score);
  return (
    <div class="comment">
      <label for="comment">
        <b {...ownLanguage(form)}>{form.texts.comment}</b>
        <span>{need ? t("requiredFor", { scores: requiredScores(form) }) : t("optional")}</span>
      </label>
      <textarea
        id="comment"
        ref={field}
        rows={3}
        dir="auto"
        value={comment}
        required={need}
        aria-invalid={wrong !== null}
        aria-describedby={wrong ? "wrong" : undefined}
        onInput={(event) => store.write(event.currentTarget.value)}
      />
      <div class="under">
        {wrong && (
          <span id="wrong" class="wrong" role="alert">
            {refusalText(wrong)}
          </span>
        )}
        {length > most * NEAR && (
          <span class={length > most ? "counter wrong" : "counter"}>
            {t("counter", { length: number(length), most: number(most) })}
          </span>
        )}
      </div>
    </div>
  );
}

function Tags({ store, form, score }: Asked & { score: number }): JSX.Element | null {
  const tags = tagsWith(form, score);
  if (tags.length === 0) return null;
  return (
    <fieldset class="chips">
      <legend>
        <b>{t("tags")}</b> <span>{t("optional")}</span>
      </legend>
      {tags.map(({ id, text }) => (
        <label key={id}>
          <input
            type="checkbox"
            checked={store.draft.value.tags.includes(id)}
            onChange={(event) => store.tag(id, event.currentTarget.checked)}
          />
          <span {...inItsDirection(form, text)}>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

function FollowUp({ store, form, asked }: Asked & { asked: Form["follow_ups"][number] }): JSX.Element {
  const { id, text, options } = asked;
  const given = store.draft.value.followUps[id] ?? "";
  if (options.length === 0) {
    return (
      <div class="comment">
        <label for={`follow-up-${id}`}>
          <b {...inItsDirection(form, text)}>{text}</b>
          <span>{t("optional")}</span>
        </label>
        <textarea
          id={`follow-up-${id}`}
          rows={2}
          dir="auto"
          value={given}
          onInput={(event) => store.followUp(id, event.currentTarget.value)}
        />
      </div>
    );
  }
  return (
    <fieldset class="chips">
      <legend>
        <b {...inItsDirection(form, text)}>{text}</b> <span>{t("optional")}</span>
      </legend>
      {options.map((option) => (
        <label key={option.id}>
          <input
            type="radio"
            name={`follow-up-${id}`}
            checked={given === option.id}
            onChange={() => store.followUp(id, option.id)}
            // What was chosen can be taken back: nobody has to answer.
            onClick={() => given === option.id && store.followUp(id, "")}
          />
          <span {...inItsDirection(form, option.text)}>{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}

function SendButton({ store, form, score }: Asked & { score: number }): JSX.Element {
  const state = store.sending.value;
  const texts = { idle: sendText(form, score), sending: t("sending"), waiting: t("waiting.now") };
  return (
    <button type="submit" class="first" aria-disabled={state === "sending"}>
      {texts[state]}
    </button>
  );
}

/** That what was sent has not arrived, and what becomes of it; or why it was refused. */
function Unsent({ store }: { store: FormStore }): JSX.Element | null {
  const problem = store.refusal.value;
  if (!problem) return null;
  if (store.sending.value === "idle") return <Refusal problem={problem} />;
  return (
    <div class="waiting" role="status">
      <b>{t("waiting.title")}</b>
      <p>{t(problem.code === "offline" ? "waiting.offline" : "waiting.unavailable")}</p>
    </div>
  );
}

function Notes({ form, chosen }: { form: Form; chosen: boolean }): JSX.Element {
  const until = form.expires_at;
  return (
    <div class="notes">
      {chosen ? (
        <>
          <p>{t("foot.notBefore")}</p>
          {form.state === "pending" && form.edit_window !== null && (
            <p>{t("foot.change", { time: lengthText(form.edit_window) })}</p>
          )}
        </>
      ) : (
        <>
          {until && <p>{t("foot.until", { time: shortTime(until, now.value) })}</p>}
          {/* True as long as an answer goes nowhere but to supervisors: operators are refused everywhere. */}
          <p>{t("foot.unseen")}</p>
        </>
      )}
    </div>
  );
}

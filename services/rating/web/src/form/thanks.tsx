/** Thanks: what was stored in full, and until when it can be changed. */
import { shortTime } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { now } from "./clock.ts";
import { canChange, type Form } from "./form.ts";
import { ownLanguage, Refusal } from "./parts.tsx";
import { GivenScore } from "./scale.tsx";
import type { FormStore } from "./store.ts";
import { t } from "./texts.ts";
import { quoted } from "./words.ts";

interface Shown {
  store: FormStore;
  form: Form;
  inWidget: boolean;
}

export function Thanks({ store, form, inWidget }: Shown): JSX.Element {
  const refusal = store.refusal.value;
  return (
    <>
      <h1 tabIndex={-1} {...ownLanguage(form)}>
        {form.texts.thanks}
      </h1>
      {refusal && <Refusal problem={refusal} />}
      {form.answer && <Stored form={form} answer={form.answer} />}
      {canChange(form, now.value) ? (
        <>
          <button type="button" class="second" onClick={() => store.answerAgain()}>
            {t("change")}
          </button>
          <p>{emphasised(t("change.until", { time: shortTime(form.editable_until ?? "", now.value) }))}</p>
        </>
      ) : (
        <p>{t("change.over")}</p>
      )}
      {!inWidget && (
        <div class="foot">
          <p class="notes">{t("foot.close")}</p>
        </div>
      )}
    </>
  );
}

function Stored({ form, answer }: { form: Form; answer: NonNullable<Form["answer"]> }): JSX.Element {
  const { score, comment, tags, follow_ups } = answer;
  const chosen = form.tags.filter(({ id }) => tags.includes(id)).map(({ text }) => text);
  const further = form.follow_ups.flatMap(({ id, text, options }) => {
    const given = follow_ups[id];
    const words = options.find((each) => each.id === given?.option)?.text ?? given?.text?.text;
    return words ? [{ id, text, words }] : [];
  });
  return (
    <section class="stored" aria-label={t("stored")}>
      <GivenScore form={form} score={score} />
      {chosen.length > 0 && <p {...ownLanguage(form)}>{chosen.join(" · ")}</p>}
      {comment && (
        <p dir="auto">{comment.state === "open" ? quoted(comment.text ?? "") : t(lost(comment.state))}</p>
      )}
      {further.map(({ id, text, words }) => (
        <p key={id} dir="auto">
          {text} <b>{words}</b>
        </p>
      ))}
    </section>
  );
}

function lost(state: string): "stored.erased" | "stored.unreadable" {
  return state === "erased" ? "stored.erased" : "stored.unreadable";
}

/** A text with what stands between stars in bold. */
function emphasised(text: string): JSX.Element[] {
  return text
    .split("*")
    .map((part, at) => (at % 2 ? <b key={part}>{part}</b> : <span key={part}>{part}</span>));
}

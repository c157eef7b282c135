/** A test: the mail that would ask a client, sent to whoever sets it up. */
import { asProblem, type Problem, sentence } from "@candor/ui/problems.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { service } from "./editor.ts";
import type { Shown } from "./sections.tsx";
import { localesOf } from "./settings.ts";

type State = "ready" | "sending" | "sent";

export function MailTest({ editor, settings, view }: Shown): JSX.Element {
  const to = useSignal("");
  const locale = useSignal(view.default_locale);
  const state = useSignal<State>("ready");
  const problem = useSignal<Problem | null>(null);
  const send = async (): Promise<void> => {
    if (state.value === "sending") return;
    state.value = "sending";
    problem.value = null;
    try {
      await service.sendTest(view.channel, to.value.trim(), locale.value);
      state.value = "sent";
    } catch (error) {
      problem.value = asProblem(error);
      state.value = "ready";
    }
  };
  return (
    <div class="row">
      <label class="label" for="test-to">
        {t("test")}
      </label>
      <form
        class="control"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <input
          id="test-to"
          class="input text"
          type="email"
          autocomplete="email"
          required
          disabled={!view.mail_available}
          placeholder={t("test.to")}
          value={to.value}
          onInput={(event) => {
            to.value = event.currentTarget.value;
            state.value = "ready";
          }}
        />
        <select
          class="input"
          aria-label={t("test.locale")}
          disabled={!view.mail_available}
          value={locale.value}
          onChange={(event) => (locale.value = event.currentTarget.value)}
        >
          {localesOf(view, settings).map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
        <button type="submit" class="button" disabled={!view.mail_available || state.value === "sending"}>
          {t(state.value === "sending" ? "test.sending" : "test.send")}
        </button>
        <p class="note" aria-live="polite">
          {state.value === "sent" && <b>{t("test.sent")} </b>}
          {!view.mail_available ? t("how.noMail") : editor.unsaved.value ? t("test.unsaved") : t("test.note")}
        </p>
        {problem.value && (
          <p class="wrong" role="alert">
            {t("test.failed")}{" "}
            {problem.value.fields.length > 0 ? t("test.noAddress") : sentence(problem.value, t)}
          </p>
        )}
      </form>
    </div>
  );
}

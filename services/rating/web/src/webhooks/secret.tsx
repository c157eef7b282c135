/** What messages are signed with: shown when it is asked for, and exchanged without a message being lost. */
import { Copied } from "@candor/ui/components/copied.tsx";
import { exactTime, shortTime } from "@candor/ui/format.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Confirm } from "./confirm.tsx";
import type { Editor } from "./editor.ts";
import { t } from "./texts.ts";
import type { Webhook } from "./webhook.ts";

export function Secret({ editor, saved }: { editor: Editor; saved: Webhook }): JSX.Element {
  const asked = useSignal(false);
  const secret = editor.secret.value;
  const until = saved.both_until && Date.parse(saved.both_until) > Date.now() ? saved.both_until : null;
  return (
    <section aria-labelledby="heading-secret">
      <h2 id="heading-secret">{t("secret")}</h2>
      <p class="about">{t("secret.text")}</p>
      {until && (
        <p class="about" title={exactTime(until)}>
          {t("secret.both", { time: shortTime(until, new Date()) })}
        </p>
      )}
      {secret && <Copied key={secret} label={t("secret")} text={secret} />}
      <div class="acts">
        {secret ? (
          <button type="button" class="button" onClick={() => (editor.secret.value = null)}>
            {t("secret.hide")}
          </button>
        ) : (
          <button
            type="button"
            class="button"
            disabled={editor.busy.value}
            onClick={() => editor.showSecret()}
          >
            {t("secret.show")}
          </button>
        )}
        {!until && (
          <button
            type="button"
            class="button plain"
            disabled={editor.busy.value}
            onClick={() => (asked.value = true)}
          >
            {t("secret.rotate")}
          </button>
        )}
      </div>
      <Confirm
        open={asked}
        title={t("rotate.title")}
        text={t("rotate.text")}
        action={t("rotate.do")}
        act={() => editor.rotate()}
      />
    </section>
  );
}

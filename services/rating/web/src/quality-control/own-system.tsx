/** The channel's own system as a way: where forms go, when, and what the messages are signed with. */
import { Switch } from "@candor/ui/components/controls.tsx";
import { Copied } from "@candor/ui/components/copied.tsx";
import { asProblem, type Problem, sentence } from "@candor/ui/problems.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../texts.ts";
import { Length } from "./duration.tsx";
import { service } from "./editor.ts";
import type { Shown } from "./sections.tsx";
import { inWidget, mailedAfter, webhookAfter, withWays } from "./settings.ts";

interface OfSystem extends Shown {
  /** Whether no other way is on. */
  isAlone: boolean;
  isAdmin: boolean;
}

export function OwnSystem({ isAlone, isAdmin, ...shown }: OfSystem): JSX.Element {
  const { editor, settings, view } = shown;
  const webhook = webhookAfter(settings);
  const put = (after: number | null): void =>
    editor.change(
      (before) => withWays(before, inWidget(before), mailedAfter(before), after),
      "ways",
      "form_webhook",
    );
  return (
    <>
      <p class="way">
        <Switch
          label={t("way.webhook")}
          on={webhook !== null}
          disabled={isAlone || (webhook === null && !isAdmin && !settings.form_webhook)}
          onChange={(on) => put(on ? 0 : null)}
        />
        <span class="warned">
          <b>{t("way.webhook")}</b> <span class="not-blind">{t("how.notBlind")}</span>
        </span>
      </p>
      <p class="way after quiet">
        {t("how.webhookNote")} {!isAdmin && t("how.adminsSay")}
      </p>
      {webhook !== null && (
        <>
          <div class="way after">
            <Address {...shown} isAdmin={isAdmin} />
          </div>
          <div class="way after">
            {t("how.after")}
            <Length
              editor={editor}
              part="ways"
              least={0}
              seconds={webhook}
              label={t("how.webhookAfter")}
              put={(before, seconds) => withWays(before, inWidget(before), mailedAfter(before), seconds)}
            />
          </div>
          {view.webhook_gone && (
            <div class="way after">
              <span class="wrong">{t("how.gone")}</span>
              <button
                type="button"
                class="button"
                disabled={editor.saving.value}
                onClick={() => editor.saveAgain()}
              >
                {t("how.useAgain")}
              </button>
            </div>
          )}
          {isAdmin && (
            <div class="way after">
              <Secret channel={view.channel} />
            </div>
          )}
        </>
      )}
    </>
  );
}

function Address({ editor, settings, isAdmin }: Shown & Pick<OfSystem, "isAdmin">): JSX.Element {
  const url = settings.form_webhook?.url ?? "";
  const text = useSignal(url);
  const wrong = editor.wrong.value.form_webhook;
  useEffect(() => {
    if (!wrong && text.value.trim() !== url) text.value = url;
  }, [url, wrong]);
  const set = (typed: string): void => {
    text.value = typed;
    const next = typed.trim();
    if (isAddress(next)) {
      editor.change((before) => ({ ...before, form_webhook: { url: next } }), "form_webhook");
    } else {
      editor.isWrong("form_webhook", t("wrong.url"));
    }
  };
  return (
    <input
      class="input text"
      type="url"
      aria-label={t("how.url")}
      placeholder={t("how.url")}
      maxLength={2_000}
      readOnly={!isAdmin}
      aria-invalid={wrong !== undefined}
      aria-describedby={wrong ? "wrong-form_webhook" : undefined}
      value={text.value}
      onInput={(event) => set(event.currentTarget.value)}
    />
  );
}

/** Whether forms could be posted there, as far as the text says. */
function isAddress(text: string): boolean {
  return /^https?:\/\/[^/]/.test(text) && URL.canParse(text) && !text.includes("#");
}

/** What the messages are signed with: shown when it is asked for, and kept nowhere. */
function Secret({ channel }: { channel: string }): JSX.Element {
  const secret = useSignal<string | null>(null);
  const problem = useSignal<Problem | null>(null);
  const ask = async (call: (channel: string) => Promise<string>): Promise<void> => {
    problem.value = null;
    try {
      secret.value = await call(channel);
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  return (
    <>
      {secret.value === null ? (
        <button type="button" class="button" onClick={() => ask(service.secret)}>
          {t("how.showSecret")}
        </button>
      ) : (
        <>
          <Copied label={t("how.secret")} text={secret.value} />
          <button type="button" class="button" onClick={() => ask(service.rotate)}>
            {t("how.rotate")}
          </button>
          <span class="quiet">{t("how.rotateNote")}</span>
        </>
      )}
      {problem.value && (
        <span class="wrong" role="alert">
          {sentence(problem.value, t)}
        </span>
      )}
    </>
  );
}

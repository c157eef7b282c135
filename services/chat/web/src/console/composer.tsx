/** Where the operator writes; or why they can't, with what they had typed. */

import { Icon } from "@candor/ui/components/icons.tsx";
import { number } from "@candor/ui/format.ts";
import { sentence } from "@candor/ui/problems.ts";
import type { JSX } from "preact";
import { t as shared } from "../texts.ts";
import { focusOn } from "./keys.ts";
import type { DialogView } from "./lists.ts";
import type { Store } from "./store.ts";
import { t } from "./texts.ts";

/** The longest message, in code points; it is counted from `NEARLY` on. */
const LONGEST = 10_000;
const NEARLY = 9_500;

interface Shown {
  store: Store;
  dialog: string;
  view: DialogView | null;
  me: string;
}

export function Composer({ store, dialog, view, me }: Shown): JSX.Element | null {
  const { draft } = store.kept.of(dialog);
  if (!view && !draft) return null;
  if (view?.state === "open" && view.operator === me)
    return <Writing store={store} dialog={dialog} draft={draft} />;
  return (
    <div class="composer shut">
      {view?.state === "closed" ? (
        <Closed store={store} view={view} me={me} />
      ) : (
        <p>
          {view?.operator ? t("shut.another", { name: view.operator_name ?? view.operator }) : t("shut.gone")}
        </p>
      )}
      {draft.trim() !== "" && <KeptDraft store={store} dialog={dialog} draft={draft} />}
    </div>
  );
}

function Closed({ store, view, me }: { store: Store; view: DialogView; me: string }): JSX.Element {
  if (view.operator !== me) return <p>{t("shut.closed")}</p>;
  const reopen = (): void => {
    void store.reopen(view.dialog, view.closes).then((done) => done && focusOn(".composer textarea"));
  };
  return (
    <div class="line">
      <p>{t("shut.closed")}</p>
      <button type="button" class="button" disabled={store.busy.value.has(view.dialog)} onClick={reopen}>
        {t("reopen")}
      </button>
    </div>
  );
}

function KeptDraft({ store, dialog, draft }: { store: Store; dialog: string; draft: string }): JSX.Element {
  return (
    <div class="kept">
      <label class="small warn-text" htmlFor="kept">
        {t("shut.kept")}
      </label>
      <textarea id="kept" class="input" readOnly dir="auto" value={draft} rows={2} />
      <button type="button" class="button plain" onClick={() => store.draft(dialog, "")}>
        {t("shut.discard")}
      </button>
    </div>
  );
}

function Writing({ store, dialog, draft }: { store: Store; dialog: string; draft: string }): JSX.Element {
  const refusal = store.refusals.value.get(dialog);
  const length = draft.length < NEARLY ? 0 : [...draft].length;
  const tooLong = length > LONGEST;
  const blank = draft.trim() === "";
  const send = (): void => {
    if (!blank && !tooLong) store.send(dialog);
    focusOn(".composer textarea");
  };
  const pressed = (event: KeyboardEvent): void => {
    const { key, shiftKey, ctrlKey, altKey, metaKey, isComposing } = event;
    if (key !== "Enter" || shiftKey || ctrlKey || altKey || metaKey || isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {store.signedOut.value && <SignedOut />}
      {refusal && (
        <p class="refused" role="alert" id="refused">
          <Icon name="alert" /> {t("refused")} {sentence(refusal, shared)}
        </p>
      )}
      <div class="box">
        <textarea
          aria-label={t("write")}
          aria-invalid={tooLong}
          {...(refusal ? { "aria-describedby": "refused" } : {})}
          placeholder={t("write")}
          dir="auto"
          rows={2}
          value={draft}
          onInput={(event) => store.draft(dialog, event.currentTarget.value)}
          onKeyDown={pressed}
        />
        <div class="line">
          <span class={`small ${tooLong ? "bad-text" : length > 0 ? "quiet" : "quiet hint"}`}>
            {tooLong
              ? t("write.tooLong", { over: number(length - LONGEST) })
              : length > 0
                ? t("write.left", { left: number(LONGEST - length) })
                : t("write.hint")}
          </span>
          <span class="line end">
            {!blank && <span class="small quiet">{t("write.kept")}</span>}
            <button type="submit" class="button first" aria-disabled={blank || tooLong}>
              {t("send")} <Icon name="send" />
            </button>
          </span>
        </div>
      </div>
    </form>
  );
}

function SignedOut(): JSX.Element {
  return (
    <div class="refused" role="alert">
      <Icon name="lock" /> <span class="grows">{t("signedOut")}</span>
      <SignInAgain />
    </div>
  );
}

export function SignInAgain(): JSX.Element {
  return (
    <button type="button" class="button" onClick={() => location.reload()}>
      {t("signIn")}
    </button>
  );
}

/** What was just closed, with the way back; or why something could not be done. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { sentence } from "@candor/ui/problems.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t as shared } from "../texts.ts";
import { focusOn } from "./keys.ts";
import type { Store } from "./store.ts";
import { t } from "./texts.ts";

const SHOWN_MS = 5000;
const PROBLEM_MS = 10_000;

export function CloseToast({ store }: { store: Store }): JSX.Element {
  const toast = store.toast.value;
  const held = useSignal(false);
  useEffect(() => {
    if (!toast || held.value) return;
    const timer = setTimeout(() => (store.toast.value = null), "problem" in toast ? PROBLEM_MS : SHOWN_MS);
    return () => clearTimeout(timer);
  }, [store, toast, held.value]);
  useEffect(() => {
    if (!toast) held.value = false;
  }, [toast]);
  const undo = (): void => {
    if (!toast || "problem" in toast) return;
    void store.reopen(toast.dialog, toast.closed).then((done) => done && focusOn(".composer textarea"));
  };
  return (
    <div class="toasts" role="status">
      {toast && (
        // biome-ignore lint/a11y/noStaticElementInteractions: it stays while the pointer or the focus is on it
        <div
          class="toast"
          onMouseEnter={() => (held.value = true)}
          onMouseLeave={() => (held.value = false)}
          onFocusIn={() => (held.value = true)}
          onFocusOut={() => (held.value = false)}
        >
          {"problem" in toast ? (
            <>
              <span>
                <Icon name="alert" /> {sentence(toast.problem, shared)}
              </span>
              <button type="button" onClick={() => (store.toast.value = null)}>
                {t("toast.shut")}
              </button>
            </>
          ) : (
            <>
              <span>{t("toast.closed")}</span>
              <button type="button" onClick={undo}>
                {t("toast.undo")}
              </button>
            </>
          )}
        </div>
      )}
    </div>
  );
}

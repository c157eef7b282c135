/** Asks before something is done that can't be undone, and says what comes of it. */
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "./texts.ts";

interface Asked {
  open: Signal<boolean>;
  title: string;
  text: string;
  action: string;
  bad?: boolean;
  act: () => Promise<void>;
}

export function Confirm({ open, title, text, action, bad = false, act }: Asked): JSX.Element {
  const place = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open.value) place.current?.showModal();
    else place.current?.close();
  }, [open.value]);
  const close = (): void => {
    open.value = false;
  };
  return (
    <dialog class="float confirm" ref={place} onClose={close} aria-label={title}>
      <h2>{title}</h2>
      <p>{text}</p>
      <div class="acts">
        <button type="button" class="button" onClick={close}>
          {t("cancel")}
        </button>
        <button
          type="button"
          class={`button ${bad ? "bad" : "first"}`}
          onClick={() => {
            close();
            void act();
          }}
        >
          {action}
        </button>
      </div>
    </dialog>
  );
}

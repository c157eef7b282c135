/** The list of shortcuts. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "./texts.ts";

const KEYS = [
  ["T", "shortcut.take"],
  ["Enter", "shortcut.send"],
  ["Shift+Enter", "shortcut.break"],
  ["Ctrl+E", "shortcut.close"],
  ["U", "shortcut.undo"],
  ["Alt+↓", "shortcut.next"],
  ["Alt+↑", "shortcut.previous"],
  ["/", "shortcut.search"],
  ["Esc", "shortcut.leave"],
  ["?", "shortcut.list"],
] as const;

export function Shortcuts({ close }: { close: () => void }): JSX.Element {
  const place = useRef<HTMLDialogElement>(null);
  useEffect(() => place.current?.showModal(), []);
  return (
    <dialog class="float shortcuts" ref={place} onClose={close} aria-labelledby="shortcuts">
      <h2 id="shortcuts">{t("shortcuts")}</h2>
      <dl>
        {KEYS.map(([keys, text]) => (
          <div key={keys}>
            <dt>
              {keys.split("+").map((key) => (
                <span class="kbd" key={key}>
                  {key}
                </span>
              ))}
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
      <p class="small quiet note">{t("shortcuts.note")}</p>
      <button type="button" class="button" onClick={() => place.current?.close()}>
        {t("shortcuts.shut")}
      </button>
    </dialog>
  );
}

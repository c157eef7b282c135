/** Keys of the page, none of them with a modifier, and the list of them. */

import { t as common } from "@candor/ui/texts.ts";
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../texts.ts";
import { address, type Grain, go, STATUSES } from "./address.ts";
import { closeDrawer, step } from "./drawer.tsx";
import { setStatus } from "./review-panel.tsx";
import { focusSearch } from "./search.tsx";

export const shortcutsShown = signal(false);
const KEYS = ["?", "/", "f", "d", "w", "m", "j", "k", "1 2 3", "e", "esc", "arrows", "enter", "t"] as const;
const WRITTEN: Record<string, string> = { esc: "Esc", arrows: "← →", enter: "Enter" };
const GRAIN_KEYS: Record<string, Grain> = { d: "day", w: "week", m: "month" };

export function useShortcuts(): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const isTyping = (event.target as Element).matches?.("input:not([type=checkbox]), select, textarea");
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (shortcutsShown.value) return;
      if (event.key === "Escape" && address.value.review) closeDrawer();
      else if (!isTyping) act(event);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

function act(event: KeyboardEvent): void {
  const grain = GRAIN_KEYS[event.key];
  const status = address.value.review ? STATUSES[Number(event.key) - 1] : undefined;
  if (event.key === "?") shortcutsShown.value = true;
  else if (grain) go({ grain });
  else if (status) setStatus(status);
  else if (event.key === "j") step(address.value.review, 1);
  else if (event.key === "k") step(address.value.review, -1);
  else if (event.key === "/") focusSearch();
  else if (event.key === "f") document.querySelector<HTMLElement>(".toolbar button")?.focus();
  else if (event.key === "e") document.querySelector<HTMLElement>(".export")?.focus();
  else return;
  event.preventDefault();
}

export function Shortcuts(): JSX.Element {
  const place = useRef<HTMLDialogElement>(null);
  const isShown = shortcutsShown.value;
  useEffect(() => {
    if (isShown) place.current?.showModal();
    else place.current?.close();
  }, [isShown]);
  const closed = (): void => {
    shortcutsShown.value = false;
  };
  return (
    <dialog class="float" ref={place} onClose={closed} aria-labelledby="shortcuts-title">
      <h2 id="shortcuts-title">{common("shortcuts.title")}</h2>
      <dl class="shortcuts">
        {KEYS.map((key) => (
          <div key={key}>
            <dt>
              <kbd class="kbd">{WRITTEN[key] ?? key}</kbd>
            </dt>
            <dd>{t(`shortcut.${key}`)}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="button" onClick={closed}>
        {common("close")}
      </button>
    </dialog>
  );
}

/** A text to copy, with a button that says when it was. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { t } from "../texts.ts";
import { Icon } from "./icons.tsx";

const SAID_MS = 3000;

export function Copied({ label, text }: { label: string; text: string }): JSX.Element {
  const copied = useSignal(false);
  const place = useRef<HTMLPreElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      copied.value = true;
      setTimeout(() => (copied.value = false), SAID_MS);
    } catch {
      // The browser does not let the page copy: the text is selected for whoever copies by hand.
      if (place.current)
        getSelection()?.selectAllChildren(place.current.querySelector("code") ?? place.current);
    }
  };
  return (
    <div class="copied">
      <pre ref={place}>
        <span class="unseen">{label}: </span>
        <code>{text}</code>
      </pre>
      <button type="button" class="button" onClick={copy}>
        <Icon name={copied.value ? "check" : "copy"} />
        <span aria-live="polite">{t(copied.value ? "copied" : "copy")}</span>
      </button>
    </div>
  );
}

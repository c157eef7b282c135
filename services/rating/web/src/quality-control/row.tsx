/** A row of the settings: a label, its control, a note; marked while it differs from what is saved. */
import type { ComponentChildren, JSX } from "preact";
import { t } from "../texts.ts";
import type { Editor } from "./editor.ts";
import { labelOf, valueText } from "./sentences.ts";
import type { Part } from "./settings.ts";

interface Shown {
  editor: Editor;
  part: Part;
  note?: string;
  children: ComponentChildren;
}

export function Row({ editor, part, note, children }: Shown): JSX.Element {
  const changed = editor.changed.value.includes(part);
  const wrong = editor.wrong.value[part];
  const saved = editor.view.value?.settings;
  return (
    <div class={changed ? "row changed" : "row"}>
      <span class="label">{labelOf(part)}</span>
      <div class="control">
        {children}
        {changed && saved && <span class="was">{t("was", { value: valueText(part, saved) })}</span>}
        {wrong && (
          <p class="wrong" id={`wrong-${part}`} role="alert">
            {wrong}
          </p>
        )}
        {note && <p class="note">{note}</p>}
      </div>
    </div>
  );
}

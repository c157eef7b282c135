/** A row of the settings: a label, its control, a note; marked while it differs from what is saved. */
import type { ComponentChildren, JSX } from "preact";
import { t } from "../texts.ts";
import type { Editor } from "./editor.ts";
import { labelOf, valueText } from "./sentences.ts";
import type { Part } from "./settings.ts";

interface Shown {
  editor: Editor;
  part: Part;
  /** Other parts that stand in the same row; then `label` says what it is about. */
  more?: readonly Part[];
  label?: string;
  note?: string | undefined;
  children: ComponentChildren;
}

export function Row({ editor, part, more = [], label, note, children }: Shown): JSX.Element {
  const parts = [part, ...more];
  const changed = parts.filter((each) => editor.changed.value.includes(each));
  const saved = editor.view.value?.settings;
  return (
    <div class={changed.length > 0 ? "row changed" : "row"}>
      <span class="label">{label ?? labelOf(part)}</span>
      <div class="control">
        {children}
        {saved &&
          changed.map((each) => (
            <span class="was" key={each}>
              {t(more.length > 0 ? "wasOf" : "was", { name: labelOf(each), value: valueText(each, saved) })}
            </span>
          ))}
        {parts.map(
          (each) =>
            editor.wrong.value[each] && (
              <p class="wrong" id={`wrong-${each}`} role="alert" key={each}>
                {editor.wrong.value[each]}
              </p>
            ),
        )}
        {note && <p class="note">{note}</p>}
      </div>
    </div>
  );
}

/** A length of time: a number and its unit. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../texts.ts";
import type { Editor } from "./editor.ts";
import { asLength, inSeconds, isWithin, typed, UNITS, type Unit } from "./lengths.ts";
import { Row } from "./row.tsx";
import { labelOf } from "./sentences.ts";
import type { DurationName, Part, Settings } from "./settings.ts";

interface Shown {
  editor: Editor;
  part: DurationName;
  /** 0 where nothing at all can be set, else 1. */
  least: 0 | 1;
}

export function Duration({ editor, part, least }: Shown): JSX.Element {
  return (
    <Row editor={editor} part={part} note={t(`note.${part}`)}>
      <Length
        editor={editor}
        part={part}
        least={least}
        seconds={editor.settings.value?.[part] ?? 0}
        put={(settings, seconds) => ({ ...settings, [part]: seconds })}
      />
    </Row>
  );
}

interface Field {
  editor: Editor;
  part: Part;
  least: 0 | 1;
  seconds: number;
  put: (settings: Settings, seconds: number) => Settings;
  /** What it is called, if not as the part. */
  label?: string;
}

/** The fields of a length of time that is `part` of the settings, or belongs to it. */
export function Length({ editor, part, least, seconds, put, label = labelOf(part) }: Field): JSX.Element {
  const shown = asLength(seconds);
  const text = useSignal(String(shown.count));
  const unit = useSignal<Unit>(shown.unit);
  const wrong = editor.wrong.value[part];
  useEffect(() => {
    // What was typed means the same already, or it was discarded, or saved by somebody else.
    const count = typed(text.value);
    if (!wrong && (count === null || inSeconds(count, unit.value) !== seconds)) {
      const length = asLength(seconds);
      text.value = String(length.count);
      unit.value = length.unit;
    }
  }, [seconds, wrong]);

  const set = (nextText: string, nextUnit: Unit): void => {
    text.value = nextText;
    unit.value = nextUnit;
    const count = typed(nextText);
    const next = count === null ? Number.NaN : inSeconds(count, nextUnit);
    if (!isWithin(next, least)) {
      editor.isWrong(part, t(least ? "wrong.length" : "wrong.lengthOrNone"));
    } else {
      editor.change((settings) => put(settings, next), part);
    }
  };
  return (
    <>
      <input
        class="input count"
        inputMode="decimal"
        aria-label={label}
        aria-invalid={wrong !== undefined}
        aria-describedby={wrong ? `wrong-${part}` : undefined}
        value={text.value}
        onInput={(event) => set(event.currentTarget.value, unit.value)}
      />
      <select
        class="input"
        aria-label={t("unitOf", { name: label })}
        value={unit.value}
        onChange={(event) => set(text.value, event.currentTarget.value as Unit)}
      >
        {UNITS.map((each) => (
          <option key={each} value={each}>
            {t(`unit.${each}`, { count: typed(text.value) ?? 2 })}
          </option>
        ))}
      </select>
    </>
  );
}

/** Fields of a row that hold a whole number, some of a few, or words. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../texts.ts";
import type { Editor } from "./editor.ts";
import { labelOf } from "./sentences.ts";
import { type CountName, demanding } from "./settings.ts";

interface Counted {
  editor: Editor;
  name: CountName;
  least: number;
  most: number;
}

/** A whole number that is demanded of a close. */
export function Count({ editor, name, least, most }: Counted): JSX.Element {
  const part = `eligibility.${name}` as const;
  const count = editor.settings.value?.eligibility[name] ?? 0;
  const text = useSignal(String(count));
  const wrong = editor.wrong.value[part];
  useEffect(() => {
    if (!wrong && Number(text.value) !== count) text.value = String(count);
  }, [count, wrong]);
  const set = (typed: string): void => {
    text.value = typed;
    const next = /^\s*\d+\s*$/.test(typed) ? Number(typed) : Number.NaN;
    if (next >= least && next <= most) {
      editor.change((settings) => demanding(settings, { [name]: next }), part);
    } else {
      editor.isWrong(part, t("wrong.count", { least, most }));
    }
  };
  return (
    <input
      class="input count"
      inputMode="numeric"
      aria-label={labelOf(part)}
      aria-invalid={wrong !== undefined}
      aria-describedby={wrong ? `wrong-${part}` : undefined}
      value={text.value}
      onInput={(event) => set(event.currentTarget.value)}
    />
  );
}

interface Checked {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
}

export function Check({ label, on, onChange, disabled = false }: Checked): JSX.Element {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={on}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

interface Written {
  words: readonly string[];
  /** What a word is, for the field and the buttons. */
  add: string;
  most: number;
  longest?: number;
  onChange: (words: string[]) => void;
  /** Whether what was typed is a word; what isn't stays in the field. */
  isWord?: (word: string) => boolean;
  /** Called with false when what is left in the field is no word. */
  onTyped?: (right: boolean) => void;
}

/** Words as chips, each of which goes when it is pressed, and a field for the next. */
export function WordList({
  words,
  add,
  most,
  longest = 60,
  onChange,
  isWord = () => true,
  onTyped = () => undefined,
}: Written): JSX.Element {
  const typed = useSignal("");
  const take = (): void => {
    const word = typed.value.trim();
    const right = !word || isWord(word);
    onTyped(right);
    if (!right) return;
    typed.value = "";
    const known = words.some((each) => each.toLowerCase() === word.toLowerCase());
    if (word && !known) onChange([...words, word]);
  };
  return (
    <>
      {words.map((word) => (
        <button
          type="button"
          class="chip"
          key={word}
          aria-label={t("words.remove", { word })}
          onClick={(event) => {
            // The chip is gone, and the focus would be with it.
            event.currentTarget.parentElement?.querySelector<HTMLElement>(".next-word")?.focus();
            onChange(words.filter((each) => each !== word));
          }}
        >
          <bdi>{word}</bdi> <span aria-hidden="true">×</span>
        </button>
      ))}
      <input
        class="input next-word"
        aria-label={add}
        placeholder={add}
        maxLength={longest}
        disabled={words.length >= most}
        value={typed.value}
        onInput={(event) => (typed.value = event.currentTarget.value)}
        onBlur={take}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          take();
        }}
      />
    </>
  );
}

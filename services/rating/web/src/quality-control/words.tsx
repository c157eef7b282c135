/** Words: each text in each locale; where nothing is written stands, in grey, what the reader sees instead. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import type { Editor } from "./editor.ts";
import { shown } from "./fallbacks.ts";
import type { PreviewChoice } from "./preview.tsx";
import { Section } from "./sections.tsx";
import {
  localesOf,
  NONE,
  type Part,
  type Settings,
  TEXTS,
  type TextName,
  type View,
  written,
} from "./settings.ts";

interface Shown {
  editor: Editor;
  view: View;
  settings: Settings;
  preview: PreviewChoice;
}

const LONGEST: Record<TextName, number> = {
  question: 200,
  low_end: 60,
  high_end: 60,
  comment: 200,
  thanks: 500,
};

export function Words({ preview, ...shownToo }: Shown): JSX.Element {
  const { view, settings } = shownToo;
  const locales = localesOf(view, settings);
  const missing = locales.flatMap((locale) => TEXTS.filter((name) => !settings.texts[locale]?.[name])).length;
  return (
    <Section name="words" {...shownToo}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys */}
      <section class="words" tabIndex={0} aria-label={t("section.words")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("words.text")}</th>
              {locales.map((locale) => (
                <th scope="col" key={locale}>
                  {locale} {locale === view.default_locale && <span class="quiet">{t("words.default")}</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {TEXTS.map((name) => (
              <tr key={name}>
                <th scope="row">{t(`text.${name}`)}</th>
                {locales.map((locale) => (
                  <Cell key={locale} {...shownToo} preview={preview} locale={locale} name={name} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="note">
        {missing > 0 && t("words.missing", { count: missing })} <AddLocale {...shownToo} known={locales} />
      </p>
    </Section>
  );
}

interface CellOf extends Shown {
  locale: string;
  name: TextName;
}

function Cell({ editor, view, settings, preview, locale, name }: CellOf): JSX.Element {
  const part: Part = `texts.${locale}.${name}`;
  const own = settings.texts[locale]?.[name] ?? "";
  const instead = shown(view, settings, locale, name);
  const wrong = editor.wrong.value[part];
  const changed = editor.changed.value.includes(part);
  const write = (text: string): void => {
    editor.change((before) => written(before, locale, name, text), part);
    if ([...text].length > LONGEST[name]) editor.isWrong(part, t("wrong.text", { most: LONGEST[name] }));
  };
  return (
    <td class={changed ? "changed" : undefined}>
      <div class={own ? "grows" : "grows instead"} data-text={own || instead.text}>
        <textarea
          rows={1}
          lang={own ? locale : instead.locale}
          dir="auto"
          aria-label={t("part.text", { name: t(`text.${name}`), locale })}
          aria-invalid={wrong !== undefined}
          aria-describedby={wrong ? `wrong-${part}` : undefined}
          value={own}
          placeholder={instead.text}
          onFocus={() =>
            preview.show(locale, name === "thanks" ? "thanks" : name === "comment" ? "comment" : "question")
          }
          onInput={(event) => write(event.currentTarget.value)}
        />
      </div>
      {!own && (
        <span class="from">
          {t(instead.builtIn ? "words.builtIn" : "words.from", { locale: instead.locale })}
        </span>
      )}
      {wrong && (
        <span class="wrong" id={`wrong-${part}`} role="alert">
          {wrong}
        </span>
      )}
    </td>
  );
}

function AddLocale({ editor, known }: Omit<Shown, "preview"> & { known: string[] }): JSX.Element {
  const open = useSignal(false);
  const wrong = useSignal(false);
  if (!open.value) {
    return (
      <button type="button" class="link" onClick={() => (open.value = true)}>
        <Icon name="plus" /> {t("words.add")}
      </button>
    );
  }
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    const tag = canonical(String(new FormData(event.currentTarget as HTMLFormElement).get("tag") ?? ""));
    wrong.value = tag === null;
    if (tag === null) return;
    open.value = false;
    if (known.includes(tag)) return;
    editor.change((before) => ({ ...before, texts: { ...before.texts, [tag]: NONE } }));
  };
  return (
    <form class="add" onSubmit={add}>
      <label class="tag">
        {t("words.tag")}
        <input
          class="input count"
          name="tag"
          autocomplete="off"
          spellcheck={false}
          ref={(field) => field?.focus()}
          aria-invalid={wrong.value}
          aria-describedby={wrong.value ? "wrong-tag" : undefined}
          onKeyDown={(event) => {
            if (event.key === "Escape") open.value = false;
          }}
        />
      </label>
      <button type="submit" class="button">
        {t("words.addButton")}
      </button>
      {wrong.value && (
        <span class="wrong" id="wrong-tag" role="alert">
          {t("wrong.tag")}
        </span>
      )}
    </form>
  );
}

/** A language tag as it is written by the book (fr-CA); null if it is none. */
function canonical(tag: string): string | null {
  try {
    return Intl.getCanonicalLocales(tag.trim())[0] ?? null;
  } catch {
    return null;
  }
}

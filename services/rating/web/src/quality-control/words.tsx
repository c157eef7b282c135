/** Words: each text in each locale; where nothing is written stands, in grey, what the reader sees instead. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import type { Editor } from "./editor.ts";
import { rangesOf, shown } from "./fallbacks.ts";
import type { PreviewChoice } from "./preview.tsx";
import type { PreviewMoment } from "./preview-form.ts";
import { Section } from "./sections.tsx";
import {
  ALWAYS,
  inLanguage,
  isDefault,
  type List,
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
  thanks_satisfied: 500,
  thanks_unsatisfied: 500,
  expired: 500,
};

/** Where a text is seen; the question, unless it stands here. */
const MOMENT_OF: Partial<Record<TextName, PreviewMoment>> = {
  comment: "comment",
  thanks: "thanks",
  thanks_satisfied: "thanks",
  thanks_unsatisfied: "thanks",
  expired: "expired",
};

export function Words({ preview, ...shownToo }: Shown): JSX.Element {
  const { view, settings } = shownToo;
  const locales = localesOf(view, settings);
  // In one language they stand where they are made.
  const parts = locales.length > 1 ? listed(settings) : [];
  const missing = locales.flatMap((locale) => [
    ...ALWAYS.filter((name) => !settings.texts[locale]?.[name]),
    ...parts.filter(({ texts }) => !texts[locale]),
  ]).length;
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
                  {locale}{" "}
                  {locale === view.default_locale && !isDefault(view) && (
                    <span class="quiet">{t("words.default")}</span>
                  )}
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
            {parts.map((text) => (
              <tr key={text.key}>
                <th scope="row">
                  <span class="quiet">{t(`words.${text.kind}`)}</span>
                  <bdi>{inLanguage(text.texts, [view.default_locale])}</bdi>
                </th>
                {locales.map((locale) => (
                  <ListedCell key={locale} {...shownToo} preview={preview} locale={locale} text={text} />
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

interface Listed {
  key: string;
  kind: "tag" | "followUp" | "option";
  part: List;
  texts: Record<string, string>;
  /** The settings with other texts. */
  put: (settings: Settings, texts: Record<string, string>) => Settings;
}

/** The texts of reasons, follow-up questions and their options. */
function listed({ tags, follow_ups }: Settings): Listed[] {
  const within = <T extends { id: string }>(list: T[], id: string, change: (each: T) => T): T[] =>
    list.map((each) => (each.id === id ? change(each) : each));
  return [
    ...tags.map(
      ({ id, texts }): Listed => ({
        key: `tag ${id}`,
        kind: "tag",
        part: "tags",
        texts,
        put: (settings, next) => ({
          ...settings,
          tags: within(settings.tags, id, (tag) => ({ ...tag, texts: next })),
        }),
      }),
    ),
    ...follow_ups.flatMap((question): Listed[] => {
      const change = (settings: Settings, part: (each: typeof question) => typeof question): Settings => ({
        ...settings,
        follow_ups: within(settings.follow_ups, question.id, part),
      });
      return [
        {
          key: `question ${question.id}`,
          kind: "followUp",
          part: "follow_ups",
          texts: question.texts,
          put: (settings, texts) => change(settings, (each) => ({ ...each, texts })),
        },
        ...question.options.map(
          (option): Listed => ({
            key: `option ${question.id} ${option.id}`,
            kind: "option",
            part: "follow_ups",
            texts: option.texts,
            put: (settings, texts) =>
              change(settings, (each) => ({
                ...each,
                options: within(each.options, option.id, (one) => ({ ...one, texts })),
              })),
          }),
        ),
      ];
    }),
  ];
}

function ListedCell({
  editor,
  view,
  preview,
  locale,
  text,
}: Omit<CellOf, "name"> & { text: Listed }): JSX.Element {
  const own = text.texts[locale] ?? "";
  const instead = inLanguage(text.texts, rangesOf(view, locale));
  return (
    <td>
      <div class={own ? "grows" : "grows instead"} data-text={own || instead}>
        <textarea
          rows={1}
          lang={locale}
          dir="auto"
          maxLength={text.kind === "followUp" ? LONGEST.question : LONGEST.low_end}
          aria-label={t("part.text", {
            name: `${t(`words.${text.kind}`)} ${inLanguage(text.texts, [view.default_locale])}`,
            locale,
          })}
          value={own}
          placeholder={instead}
          onFocus={() => preview.show(locale, "comment")}
          onInput={(event) => {
            const texts = { ...text.texts, [locale]: event.currentTarget.value };
            editor.change((settings) => text.put(settings, texts), text.part);
          }}
        />
      </div>
    </td>
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
          onFocus={() => preview.show(locale, MOMENT_OF[name] ?? "question")}
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
      <button type="button" class="link add-one" onClick={() => (open.value = true)}>
        <Icon name="plus" /> <span>{t("words.add")}</span>
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
        {t("words.locale")}
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

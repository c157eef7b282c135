/** What is asked besides the score and the comment: reasons by score, and up to three follow-up questions. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { Row } from "./row.tsx";
import type { Shown } from "./sections.tsx";
import { scaleOf } from "./sentences.ts";
import { type FollowUp, newId, type Settings, type Tag } from "./settings.ts";

const MOST_TAGS = 12;
const MOST_QUESTIONS = 3;
const MOST_OPTIONS = 6;
const LONGEST_LABEL = 60;
const LONGEST_QUESTION = 200;

export function Tags({ editor, settings, view }: Shown): JSX.Element {
  const { lowest, highest } = scaleOf(settings, view);
  const scores = Array.from({ length: highest - lowest + 1 }, (_, step) => lowest + step);
  const put = (tags: Tag[]): void => editor.change((before) => ({ ...before, tags }), "tags");
  const change = (id: string, part: Partial<Tag>): void =>
    put(settings.tags.map((tag) => (tag.id === id ? { ...tag, ...part } : tag)));
  const add = (): void => {
    const last = settings.tags.at(-1);
    const range = last
      ? { lowest: last.lowest, highest: last.highest }
      : { lowest, highest: Math.max(settings.scale.satisfied_from - 1, lowest) };
    put([...settings.tags, { id: newId(), ...range, texts: { [view.default_locale]: "" } }]);
  };
  return (
    <Row editor={editor} part="tags" note={t("note.tags")}>
      <ul class="list">
        {settings.tags.map((tag) => (
          <li key={tag.id}>
            <TextIn {...{ view }} of={tag} label={t("tags.text")} most={LONGEST_LABEL} onChange={change} />
            <Score
              label={t("tags.from")}
              scores={scores}
              value={tag.lowest}
              onChange={(score) => change(tag.id, raised(tag, score))}
            />
            <Score
              label={t("tags.to")}
              scores={scores}
              value={tag.highest}
              onChange={(score) => change(tag.id, { highest: score, lowest: Math.min(tag.lowest, score) })}
            />
            <Remove
              of={tag}
              onClick={() => put(settings.tags.filter(({ id }) => id !== tag.id))}
              locale={view.default_locale}
            />
          </li>
        ))}
      </ul>
      <Add text={t("tags.add")} disabled={settings.tags.length >= MOST_TAGS} onClick={add} />
    </Row>
  );
}

function raised(tag: Tag, lowest: number): Partial<Tag> {
  return { lowest, highest: Math.max(tag.highest, lowest) };
}

export function FollowUps({ editor, settings, view }: Shown): JSX.Element {
  const questions = settings.follow_ups;
  const put = (follow_ups: FollowUp[]): void =>
    editor.change((before: Settings) => ({ ...before, follow_ups }), "follow_ups");
  const change = (id: string, part: Partial<FollowUp>): void =>
    put(questions.map((question) => (question.id === id ? { ...question, ...part } : question)));
  const empty = { [view.default_locale]: "" };
  return (
    <Row editor={editor} part="follow_ups" note={t("note.follow_ups")}>
      <ul class="list">
        {questions.map((question) => {
          const { id, options } = question;
          const putOptions = (next: FollowUp["options"]): void => change(id, { options: next });
          return (
            <li key={id}>
              <TextIn
                {...{ view }}
                of={question}
                label={t("followUps.text")}
                most={LONGEST_QUESTION}
                onChange={change}
              />
              <select
                class="input"
                aria-label={t("followUps.kind")}
                value={options.length > 0 ? "options" : "words"}
                onChange={(event) =>
                  putOptions(
                    event.currentTarget.value === "options"
                      ? [
                          { id: newId(), texts: empty },
                          { id: newId(), texts: empty },
                        ]
                      : [],
                  )
                }
              >
                <option value="words">{t("followUps.words")}</option>
                <option value="options">{t("followUps.options")}</option>
              </select>
              <Remove
                of={question}
                onClick={() => put(questions.filter((each) => each.id !== id))}
                locale={view.default_locale}
              />
              {options.length > 0 && (
                <ul class="list">
                  {options.map((option) => (
                    <li key={option.id}>
                      <TextIn
                        {...{ view }}
                        of={option}
                        label={t("followUps.option")}
                        most={LONGEST_LABEL}
                        onChange={(_, { texts }) =>
                          putOptions(
                            options.map((each) => (each.id === option.id ? { ...each, texts } : each)),
                          )
                        }
                      />
                      <Remove
                        of={option}
                        onClick={() => putOptions(options.filter((each) => each.id !== option.id))}
                        locale={view.default_locale}
                      />
                    </li>
                  ))}
                  <li>
                    <Add
                      text={t("followUps.addOption")}
                      disabled={options.length >= MOST_OPTIONS}
                      onClick={() => putOptions([...options, { id: newId(), texts: empty }])}
                    />
                  </li>
                </ul>
              )}
            </li>
          );
        })}
      </ul>
      <Add
        text={t("followUps.add")}
        disabled={questions.length >= MOST_QUESTIONS}
        onClick={() => put([...questions, { id: newId(), texts: empty, options: [] }])}
      />
    </Row>
  );
}

interface Texts {
  id: string;
  texts: Record<string, string>;
}

interface Field {
  view: Shown["view"];
  of: Texts;
  label: string;
  most: number;
  onChange: (id: string, part: { texts: Record<string, string> }) => void;
}

/** The text in the channel's default locale; the others stand among the words. */
function TextIn({ view, of, label, most, onChange }: Field): JSX.Element {
  const locale = view.default_locale;
  return (
    <input
      class="input text"
      aria-label={label}
      placeholder={label}
      lang={locale}
      dir="auto"
      maxLength={most}
      value={of.texts[locale] ?? ""}
      onInput={(event) => onChange(of.id, { texts: { ...of.texts, [locale]: event.currentTarget.value } })}
    />
  );
}

interface Scored {
  label: string;
  scores: number[];
  value: number;
  onChange: (score: number) => void;
}

function Score({ label, scores, value, onChange }: Scored): JSX.Element {
  return (
    <label class="counted">
      {label}
      <select
        class="input"
        value={String(value)}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      >
        {scores.map((score) => (
          <option key={score} value={String(score)}>
            {number(score)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Remove({ of, locale, onClick }: { of: Texts; locale: string; onClick: () => void }): JSX.Element {
  return (
    <button
      type="button"
      class="plain"
      aria-label={t("words.remove", { word: of.texts[locale] ?? "" })}
      onClick={onClick}
    >
      <span aria-hidden="true">×</span>
    </button>
  );
}

interface Added {
  text: string;
  disabled: boolean;
  onClick: () => void;
}

function Add({ text, disabled, onClick }: Added): JSX.Element {
  return (
    <button type="button" class="link add-one" disabled={disabled} onClick={onClick}>
      <Icon name="plus" /> <span>{text}</span>
    </button>
  );
}

/** What a client answered beside the score: words, reasons and follow-ups, in the texts that they saw. */
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { type CloseStory, story } from "./close-story.ts";
import { type CloseDetails, isRetried } from "./data.ts";

type Answer = CloseDetails["answers"][number];
type FollowUp = Answer["follow_ups"][string];
type Text = Answer["comment"];

/** Whether there is anything in it that has a text of the form. */
export const hasChosen = ({ tags, follow_ups }: Answer): boolean =>
  tags.length > 0 || Object.keys(follow_ups).length > 0;

interface Answered {
  answer: Answer;
  /** The client's language. */
  locale: string | null;
}

/** Reasons and follow-ups; by their ids, and marked, if rating can't tell their texts. */
export function Chosen({ answer, locale }: Answered): JSX.Element | null {
  const { data, problem } = story.value;
  if (!hasChosen(answer)) return null;
  if (!data && !problem) return <p class="skeleton form-answers-skeleton" aria-busy="true" />;
  const texts = textsOf(data);
  return (
    <>
      <ul class="form-answers" dir={data?.texts.direction}>
        {answer.tags.map((tag) => (
          <li key={tag} class="tag small" dir="auto">
            {texts.tag(tag)}
          </li>
        ))}
        {texts.inOrder(answer.follow_ups).map(([question, given]) => (
          <li key={question} class="follow-up" dir="auto">
            <span class="question">{texts.question(question)}</span>{" "}
            {given.text ? (
              <FollowUpWords text={given.text} locale={locale} />
            ) : (
              <bdi class="option">{texts.options(question, given.options)}</bdi>
            )}
          </li>
        ))}
      </ul>
      {!data && (
        <p class="small quiet">
          {t("answer.byIds")} {isRetried(story.value) && t("panel.retry")}
        </p>
      )}
    </>
  );
}

function FollowUpWords({ text, locale }: { text: NonNullable<Text>; locale: string | null }): JSX.Element {
  if (text.state !== "open") return <span class="quiet">{t(`words.${text.state}`)}</span>;
  return (
    <bdi class="client-words" lang={locale ?? undefined}>
      {text.text}
    </bdi>
  );
}

interface Texts {
  tag: (id: string) => string;
  question: (id: string) => string;
  options: (question: string, ids: readonly string[]) => string;
  inOrder: (given: Answer["follow_ups"]) => [string, FollowUp][];
}

/** The texts of a form by their ids, which stand for those that aren't there. */
export function textsOf(told: CloseStory | null): Texts {
  const { tags = [], follow_ups: questions = [] } = told?.texts ?? {};
  const named = (among: readonly { id: string; text: string }[], id: string): string =>
    among.find((each) => each.id === id)?.text ?? id;
  const place = (id: string): number => {
    const at = questions.findIndex((each) => each.id === id);
    return at < 0 ? questions.length : at;
  };
  return {
    tag: (id) => named(tags, id),
    question: (id) => named(questions, id),
    options: (question, ids) => {
      const among = questions.find((each) => each.id === question)?.options ?? [];
      return ids.map((id) => named(among, id)).join(", ");
    },
    inOrder: (given) => Object.entries(given).sort(([one], [other]) => place(one) - place(other)),
  };
}

/** When and What: the rows, under a sentence that says what they mean. */
import { Segments, Switch } from "@candor/ui/components/controls.tsx";
import { number } from "@candor/ui/format.ts";
import type { ComponentChildren, JSX } from "preact";
import { t } from "../texts.ts";
import { Accent } from "./accent.tsx";
import { Duration, Length } from "./duration.tsx";
import type { Editor } from "./editor.ts";
import { Emphasised } from "./emphasised.tsx";
import { FollowUps, Tags } from "./further.tsx";
import { Row } from "./row.tsx";
import { labelOf, length, satisfiedCount, satisfiedText, scaleOf, sentenceOf } from "./sentences.ts";
import {
  isDefault,
  lowered,
  mailedAfter,
  rescaled,
  type ScaleName,
  type Section as SectionName,
  type Settings,
  type View,
} from "./settings.ts";

export interface Shown {
  editor: Editor;
  view: View;
  settings: Settings;
}

interface Headed extends Shown {
  name: SectionName;
  children: ComponentChildren;
}

export function Section({ name, view, settings, children }: Headed): JSX.Element {
  return (
    <section id={name} aria-labelledby={`heading-${name}`}>
      <h2 id={`heading-${name}`} tabIndex={-1}>
        {t(`section.${name}`)}
      </h2>
      <p class="sentence">
        <Emphasised text={sentenceOf(name, settings, view)} />
      </p>
      {children}
    </section>
  );
}

export function When(shown: Shown): JSX.Element {
  const { editor, settings } = shown;
  return (
    <Section name="when" {...shown}>
      <Timeline settings={settings} />
      <Duration editor={editor} part="delay" least={0} />
      {mailedAfter(settings) !== null && (
        <Row editor={editor} part="reminder" note={t("note.reminder")}>
          <Length
            editor={editor}
            part="reminder"
            least={0}
            seconds={settings.reminder ?? 0}
            put={(before, seconds) => ({ ...before, reminder: seconds || null })}
          />
        </Row>
      )}
      <Duration editor={editor} part="expiry" least={1} />
      <Duration editor={editor} part="edit_window" least={1} />
      <Duration editor={editor} part="offer_window" least={1} />
    </Section>
  );
}

/** The life of a form in its order; lengths are said, not drawn to scale. The sentence says the same. */
function Timeline({ settings }: { settings: Settings }): JSX.Element {
  return (
    <div class="timeline" aria-hidden="true">
      <div class="later">
        <b>{t("timeline.closed")}</b>
        <i />
        {settings.delay ? t("timeline.later", { time: length(settings.delay) }) : t("value.atOnce")}
      </div>
      <div>
        <b>{t("timeline.asked")}</b>
        <i />
        {t("timeline.waits", { time: length(settings.expiry) })}
      </div>
      <div class="answer">
        <b>{t("timeline.answer")}</b>
        <i />
        <span class="end">
          <b>{t("timeline.expires")}</b>
          <i />
        </span>
      </div>
      <div class="change">{t("timeline.change", { time: length(settings.edit_window) })}</div>
    </div>
  );
}

export function What(shown: Shown): JSX.Element {
  const { editor, settings, view } = shown;
  const scale = scaleOf(settings, view);
  const scores = Array.from({ length: scale.highest - scale.lowest + 1 }, (_, step) => scale.lowest + step);
  const { mode, required_at_or_below: at } = settings.comment;
  const setMode = (next: typeof mode): void =>
    editor.change(
      (before) => ({
        ...before,
        comment: { mode: next, required_at_or_below: next === "required" ? (at ?? scale.lowest + 1) : null },
      }),
      "comment",
    );
  return (
    <Section name="what" {...shown}>
      <Row editor={editor} part="scale" note={t("note.scale")}>
        <Scales {...shown} />
      </Row>
      <Row editor={editor} part="satisfied">
        <Scores
          label={labelOf("satisfied")}
          scores={scores.slice(1)}
          chosen={settings.scale.satisfied_from}
          isLit={(score) => score >= settings.scale.satisfied_from}
          onChoose={(satisfied_from) =>
            editor.change(
              (before) => lowered({ ...before, scale: { ...before.scale, satisfied_from } }),
              "satisfied",
            )
          }
        />
        <span class="quiet">
          {t("satisfiedOf", {
            scores: satisfiedText(settings, view),
            count: satisfiedCount(settings, view),
          })}
        </span>
      </Row>
      <Row editor={editor} part="comment">
        <Segments
          label={labelOf("comment")}
          value={mode}
          options={(["off", "optional", "required"] as const).map((value) => ({
            value,
            text: t(`comment.${value}`),
          }))}
          onChange={setMode}
        />
        {mode === "required" && (
          <Scores
            label={t("comment.requiredFrom")}
            scores={scores}
            chosen={at ?? scale.lowest}
            isLit={(score) => score <= (at ?? scale.lowest)}
            onChoose={(score) =>
              editor.change(
                (before) => ({ ...before, comment: { mode: "required", required_at_or_below: score } }),
                "comment",
              )
            }
          />
        )}
      </Row>
      <Tags {...shown} />
      <FollowUps {...shown} />
      <Row editor={editor} part="names_operator">
        <Switch
          label={labelOf("names_operator")}
          on={settings.names_operator}
          onChange={(names_operator) => editor.change((before) => ({ ...before, names_operator }))}
        />
        <span>{t(settings.names_operator ? "on" : "off")}</span>
      </Row>
      {!isDefault(view) && <Accent {...shown} />}
    </Section>
  );
}

function Scales({ editor, settings, view }: Shown): JSX.Element {
  return (
    <div class="scales">
      <Segments
        label={labelOf("scale")}
        value={settings.scale.name}
        options={view.scales.map(({ name, lowest, highest }) => ({
          value: name as ScaleName,
          name: t(`scale.${name as ScaleName}`),
          text: (
            <>
              <span class="marks" aria-hidden="true">
                {marks(name, lowest, highest)}
              </span>
              <span>{t(`scale.${name as ScaleName}`)}</span>
            </>
          ),
        }))}
        onChange={(name) =>
          editor.change((before) => rescaled(before, view, name), "scale", "satisfied", "comment")
        }
      />
    </div>
  );
}

const FACE = "M8 1.800a6.2 6.2 0 1 0 0 12.400A6.2 6.2 0 0 0 8 1.800ZM5.8 6v.6M10.2 6v.6";
const VERY_SAD = "M4.9 11.500c.6-2 1.7-2.700 3.1-2.700s2.500.7 3.1 2.700";
const SAD = "M5.4 11.200c.6-1.200 1.5-1.700 2.6-1.700s2 .5 2.6 1.700";
const SO_SO = "M5.4 10.300h5.2";
const GLAD = "M5.4 9.500c.6 1.2 1.5 1.7 2.6 1.700s2-.5 2.6-1.7";
const VERY_GLAD = "M4.9 9h6.2c-.3 1.800-1.400 2.800-3.100 2.800S5.200 10.800 4.9 9Z";

function marks(name: string, lowest: number, highest: number): JSX.Element | string {
  if (name === "points") return `${number(lowest)} 1 2 … ${number(highest)}`;
  const pictures: Record<string, string[]> = {
    stars: ["M8 1.8 9.9 5.9 14.4 6.4 11.1 9.5 12 14 8 11.7 4 14 4.9 9.5 1.6 6.4 6.1 5.900Z"],
    thumbs: [
      "M2 7h2.500v7H2zM4.5 7.8 7.2 2.300c1.5 0 2.1 1 1.9 2.200L8.8 6.500h3.600c1 0 1.7.9 1.5 1.900l-.8 4.100c-.2.9-.9 1.5-1.8 1.500H4.5",
    ],
    faces: [SAD, SO_SO, GLAD].map((mouth) => FACE + mouth),
    emoji: [VERY_SAD, SAD, SO_SO, GLAD, VERY_GLAD].map((mouth) => FACE + mouth),
  };
  return (
    <>
      {Array.from({ length: highest - lowest + 1 }, (_, at) => (
        <svg key={lowest + at} width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
          <path
            d={pictures[name]?.[at] ?? pictures[name]?.[0] ?? ""}
            fill="none"
            stroke="currentColor"
            stroke-width="1.25"
            stroke-linejoin="round"
            transform={name === "thumbs" && at === 0 ? "matrix(1 0 0 -1 0 16)" : undefined}
          />
        </svg>
      ))}
    </>
  );
}

interface Chosen {
  label: string;
  scores: number[];
  chosen: number;
  isLit: (score: number) => boolean;
  onChoose: (score: number) => void;
}

/** A threshold: one score is chosen, and all that it takes with it are lit. */
export function Scores({ label, scores, chosen, isLit, onChoose }: Chosen): JSX.Element {
  return (
    <div class="thresholds">
      <Segments
        label={label}
        value={String(chosen)}
        options={scores.map((score) => ({
          value: String(score),
          name: number(score),
          text: <span class={isLit(score) ? "lit" : undefined}>{number(score)}</span>,
        }))}
        onChange={(score) => onChoose(Number(score))}
      />
    </div>
  );
}

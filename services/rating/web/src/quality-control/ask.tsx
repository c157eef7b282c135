/** Ask?: who is asked, in the order in which the rules are looked at. */
import { Segments, Switch } from "@candor/ui/components/controls.tsx";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { Duration, Length } from "./duration.tsx";
import { Check, Count, WordList } from "./fields.tsx";
import { Row } from "./row.tsx";
import { Section, type Shown } from "./sections.tsx";
import { labelOf } from "./sentences.ts";
import { demanding, KINDS, type Kind, type Settings } from "./settings.ts";

const MOST_LABELS = 32;
const DAY = 86_400;

export function Ask(shown: Shown): JSX.Element {
  const { editor, settings } = shown;
  const { eligibility } = settings;
  return (
    <Section name="ask" {...shown}>
      <Row editor={editor} part="enabled">
        <Switch
          label={labelOf("enabled")}
          on={settings.enabled}
          onChange={(enabled) => editor.change((before) => ({ ...before, enabled }))}
        />
        <span>{t(settings.enabled ? "on" : "off")}</span>
      </Row>
      <Row editor={editor} part="eligibility.closed_by">
        {KINDS.map((kind) => (
          <Check
            key={kind}
            label={t(`kind.${kind}`)}
            on={eligibility.closed_by.includes(kind)}
            disabled={eligibility.closed_by.length === 1 && eligibility.closed_by[0] === kind}
            onChange={(on) => editor.change((before) => closedBy(before, kind, on), "eligibility.closed_by")}
          />
        ))}
      </Row>
      <Row
        editor={editor}
        part="eligibility.needs_reply"
        more={["eligibility.least_client_messages", "eligibility.least_operator_messages"]}
        label={t("row.onlyIf")}
        note={t("note.messages")}
      >
        <Check
          label={t("ask.reply")}
          on={eligibility.needs_reply}
          onChange={(needs_reply) => editor.change((before) => demanding(before, { needs_reply }))}
        />
        <span class="counted">
          <Count editor={editor} name="least_client_messages" least={0} most={1_000} />
          {t("ask.byClient", { count: eligibility.least_client_messages })}
        </span>
        <span class="counted">
          <Count editor={editor} name="least_operator_messages" least={0} most={1_000} />
          {t("ask.byOperators", { count: eligibility.least_operator_messages })}
        </span>
      </Row>
      <Row editor={editor} part="eligibility.least_text" note={t("note.least_text")}>
        <span class="counted">
          <Count editor={editor} name="least_text" least={0} most={10_000} />
          {t("ask.characters", { count: eligibility.least_text })}
        </span>
      </Row>
      <Row
        editor={editor}
        part="eligibility.skips_spam"
        more={["eligibility.skips_labels"]}
        label={t("row.never")}
      >
        <Check
          label={t("ask.spam")}
          on={eligibility.skips_spam}
          onChange={(skips_spam) => editor.change((before) => demanding(before, { skips_spam }))}
        />
        <WordList
          words={eligibility.skips_labels}
          add={t("ask.addLabel")}
          most={MOST_LABELS}
          onChange={(skips_labels) =>
            editor.change((before) => demanding(before, { skips_labels }), "eligibility.skips_labels")
          }
        />
      </Row>
      <Duration editor={editor} part="cool_down" least={0} />
      <Row editor={editor} part="eligibility.share" note={t("note.share")}>
        <span class="counted">
          <Count editor={editor} name="share" least={1} most={100} />
          {t("ask.percent")}
        </span>
      </Row>
      <Reopened {...shown} />
    </Section>
  );
}

function closedBy(settings: Settings, kind: Kind, on: boolean): Settings {
  const { closed_by } = settings.eligibility;
  return demanding(settings, {
    closed_by: KINDS.filter((each) => (each === kind ? on : closed_by.includes(each))),
  });
}

function Reopened({ editor, settings }: Shown): JSX.Element {
  const { reopened, once_within } = settings.eligibility;
  const part = "eligibility.reopened";
  return (
    <Row editor={editor} part={part} note={t("note.reopened")}>
      <Segments
        label={labelOf(part)}
        value={reopened}
        options={(["each_close", "once_per_dialog", "once_within"] as const).map((value) => ({
          value,
          text: t(`reopened.${value}`),
        }))}
        onChange={(next) =>
          editor.change(
            (before) =>
              demanding(before, {
                reopened: next,
                once_within: next === "once_within" ? before.eligibility.once_within || DAY : 0,
              }),
            part,
          )
        }
      />
      {reopened === "once_within" && (
        <Length
          editor={editor}
          part={part}
          least={1}
          seconds={once_within}
          put={(before, seconds) => demanding(before, { once_within: seconds })}
        />
      )}
    </Row>
  );
}

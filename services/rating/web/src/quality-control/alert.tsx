/** Low scores: who is told of which ones by e-mail, if anybody. */
import { Segments, Switch } from "@candor/ui/components/controls.tsx";
import { LOCALES, locale } from "@candor/ui/i18n.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { WordList } from "./fields.tsx";
import { Row } from "./row.tsx";
import { Scores, type Shown } from "./sections.tsx";
import { labelOf, scaleOf } from "./sentences.ts";
import type { Settings } from "./settings.ts";

type Alert = NonNullable<Settings["alert"]>;

const MOST_ADDRESSES = 10;
const LONGEST_ADDRESS = 254;

export function LowScores({ editor, settings, view }: Shown): JSX.Element {
  const { alert } = settings;
  const { lowest } = scaleOf(settings, view);
  const put = (next: Alert | null): void => {
    editor.change((before) => ({ ...before, alert: next }), "alert");
    if (next?.to.length === 0) editor.isWrong("alert", t("alert.noAddress"));
  };
  const first: Alert = {
    at_or_below: Math.min(lowest + 1, settings.scale.satisfied_from - 1),
    to: [],
    locale: locale.value,
  };
  const unavailable = alert === null && !view.mail_available;
  return (
    <Row editor={editor} part="alert" note={t(unavailable ? "how.noMail" : "note.alert")}>
      <Switch
        label={labelOf("alert")}
        on={alert !== null}
        disabled={unavailable}
        onChange={(on) => put(on ? first : null)}
      />
      <span>{t(alert ? "on" : "off")}</span>
      {alert && (
        <div class="list">
          <div class="way">
            {t("alert.atOrBelow")}
            <Scores
              label={t("alert.atOrBelow")}
              scores={Array.from({ length: settings.scale.satisfied_from - lowest }, (_, at) => lowest + at)}
              chosen={alert.at_or_below}
              isLit={(score) => score <= alert.at_or_below}
              onChoose={(at_or_below) => put({ ...alert, at_or_below })}
            />
          </div>
          <div class="way addresses">
            <WordList
              words={alert.to}
              add={t("alert.add")}
              most={MOST_ADDRESSES}
              longest={LONGEST_ADDRESS}
              isWord={isAddress}
              onTyped={(right) => {
                if (right && alert.to.length > 0) editor.right("alert");
                else editor.isWrong("alert", t(right ? "alert.noAddress" : "field.not-an-email"));
              }}
              onChange={(to) => put({ ...alert, to })}
            />
          </div>
          <div class="way">
            {t("alert.locale")}
            <Segments
              label={t("alert.locale")}
              value={alert.locale}
              options={LOCALES.map((value) => ({ value, text: value }))}
              onChange={(value) => put({ ...alert, locale: value })}
            />
          </div>
        </div>
      )}
    </Row>
  );
}

/** Only what nobody could mean is refused here: what is an address is the service's to say. */
function isAddress(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);
}

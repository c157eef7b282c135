/** How: by which ways forms reach their clients. */
import { Switch } from "@candor/ui/components/controls.tsx";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { LowScores } from "./alert.tsx";
import { Length } from "./duration.tsx";
import { MailTest } from "./mail-test.tsx";
import { OwnSystem } from "./own-system.tsx";
import { Row } from "./row.tsx";
import { Section, type Shown } from "./sections.tsx";
import { inWidget, isDefault, mailedAfter, webhookAfter, withWays } from "./settings.ts";

const HALF_AN_HOUR = 1_800;

export function How({ isAdmin, ...shown }: Shown & { isAdmin: boolean }): JSX.Element {
  const { editor, settings, view } = shown;
  const widget = inWidget(settings);
  const mailed = mailedAfter(settings);
  const ofChannel = !isDefault(view);
  const others = (way: string): boolean => settings.ways.some((each) => each.way !== way);
  const put = (onWidget: boolean, after: number | null): void =>
    editor.change((before) => withWays(before, onWidget, after), "ways", "reminder");
  return (
    <Section name="how" {...shown}>
      <Row
        editor={editor}
        part="ways"
        more={["form_webhook"]}
        label={t("part.ways")}
        note={view.mail_available ? undefined : t("how.noMail")}
      >
        <div class="list">
          <p class="way">
            <Switch
              label={t("way.widget")}
              on={widget}
              disabled={widget && !others("widget")}
              onChange={(on) => put(on, mailed)}
            />
            <b>{t("way.widget")}</b> <span class="quiet">{t("how.widgetNote")}</span>
          </p>
          <p class="way">
            <Switch
              label={t("way.email")}
              on={mailed !== null}
              disabled={mailed === null ? !view.mail_available : !others("email")}
              onChange={(on) => put(widget, on ? HALF_AN_HOUR : null)}
            />
            <b>{t("way.email")}</b> <span class="quiet">{t("how.mailNote")}</span>
          </p>
          {mailed !== null && (
            <div class="way after">
              {t("how.after")}
              <Length
                editor={editor}
                part="ways"
                least={0}
                seconds={mailed}
                put={(before, seconds) => withWays(before, inWidget(before), seconds)}
              />
            </div>
          )}
          {ofChannel && (
            <OwnSystem
              {...shown}
              isAdmin={isAdmin}
              isAlone={webhookAfter(settings) !== null && !others("webhook")}
            />
          )}
        </div>
      </Row>
      {ofChannel && (
        <>
          <LowScores {...shown} />
          <MailTest {...shown} />
        </>
      )}
    </Section>
  );
}

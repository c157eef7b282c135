/** The page as a whole: head, and its three parts. */
import { Banner } from "@candor/ui/components/banner.tsx";
import { Icon, Mark } from "@candor/ui/components/icons.tsx";
import { LanguageMenu, SchemeButton } from "@candor/ui/components/shell.tsx";
import { timeOfDay } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { gone, type Part, status } from "./data.ts";
import { DemoTraffic } from "./demo.tsx";
import { EnterAs } from "./people.tsx";

export function Page(): JSX.Element {
  return (
    <>
      <header class="head">
        <span class="brand">
          <Mark /> <span>Candor</span>
        </span>
        <div class="end">
          <span class="only">
            <Icon name="lock" /> {t("head.only", { host: location.host })}
          </span>
          <LanguageMenu />
          <SchemeButton />
        </div>
      </header>
      <main class="start">
        {gone.value && (
          <Banner kind="bad" title={t("gone.title")}>
            {t("gone.text")}
          </Banner>
        )}
        <WhatRuns />
        <div class="columns">
          <EnterAs />
          <div>
            <DemoTraffic />
            <Try />
          </div>
        </div>
      </main>
    </>
  );
}

/** What shows the most of it in a few minutes. */
function Try(): JSX.Element {
  return (
    <section aria-labelledby="try" class="try">
      <h2 id="try">{t("try.title")}</h2>
      <ol>
        {(["try.demo", "try.rate", "try.silence", "try.settings"] as const).map((each) => (
          <li key={each}>{t(each)}</li>
        ))}
      </ol>
    </section>
  );
}

const SHAPES = { ready: "dot", "catching-up": "triangle", down: "square" } as const;

function WhatRuns(): JSX.Element {
  const now = status.value;
  const well = now?.parts.filter((part) => part.state === "ready").length ?? 0;
  return (
    <section aria-labelledby="runs">
      <h1 id="runs">{t("runs.title")}</h1>
      <p class="quiet">
        {now
          ? t("runs.sum", { isAll: well === now.parts.length, well, all: now.parts.length })
          : t("runs.loading")}{" "}
        {now && t("runs.where", { time: timeOfDay(now.started_at), folder: now.data })}
      </p>
      <table class="parts">
        <thead>
          <tr>
            <th scope="col">{t("runs.what")}</th>
            <th scope="col">{t("runs.port")}</th>
            <th scope="col">{t("runs.health")}</th>
            <th scope="col" class="number">
              {t("runs.look")}
            </th>
          </tr>
        </thead>
        <tbody aria-live="polite">
          {now?.parts.map((part) => (
            <Row part={part} key={part.name} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ part }: { part: Part }): JSX.Element {
  const said = t(`code.${part.code}` as "code.ready", part.facts);
  return (
    <tr>
      <th scope="row">
        <b>{NAMES[part.name] ?? part.name}</b> <span class="quiet">{part.version}</span>
      </th>
      <td class="mono">{part.port ? `:${part.port}` : ""}</td>
      <td>
        <span class={`sign ${SHAPES[part.state]}`} /> <b>{t(`state.${part.state}`)}</b>
        <span class="said"> {said || part.sentence}</span>
      </td>
      <td class="number look">
        {part.look.map(({ name, address }) => (
          <a href={address} key={name} target="_blank" rel="noreferrer">
            {t(`look.${name}`)}
          </a>
        ))}
      </td>
    </tr>
  );
}

const NAMES: Record<string, string> = { kafka: "Kafka", mongo: "MongoDB" };

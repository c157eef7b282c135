/** Demo traffic: people who chat, rate, decline, stay silent; and whether the numbers add up. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { Segments } from "@candor/ui/components/controls.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import { number, timeOfDay } from "@candor/ui/format.ts";
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { type Demo, demo, play } from "./data.ts";

const PACES = ["0.2", "2", "20"] as const;
const pace = signal<(typeof PACES)[number]>("2");
const failed = signal<Problem | null>(null);

export function DemoTraffic(): JSX.Element {
  const now = demo.value;
  const runs = now?.pace != null;
  return (
    <section aria-labelledby="demo">
      <h2 id="demo">{t("demo.title")}</h2>
      <p class="quiet">{t("demo.text")}</p>
      {failed.value && <ProblemBanner problem={failed.value} title={t("demo.failed")} own={t} />}
      <div class="line">
        <button
          type="button"
          class="button first"
          disabled={!now}
          onClick={() => set(runs ? null : Number(pace.value))}
        >
          <Icon name={runs ? "pause" : "play"} /> {t(runs ? "demo.pause" : "demo.start")}
        </button>
        {runs && now?.started_at && now.ends_at && (
          <span>{t("demo.runs", { since: timeOfDay(now.started_at), until: timeOfDay(now.ends_at) })}</span>
        )}
      </div>
      <div class="line">
        <span class="quiet">{t("demo.pace")}</span>
        <Segments
          label={t("demo.pace")}
          value={pace.value}
          options={PACES.map((value) => ({ value, text: number(Number(value), value === "0.2" ? 1 : 0) }))}
          onChange={(value) => {
            pace.value = value;
            if (runs) void set(Number(value));
          }}
        />
        <span class="quiet">{t("demo.perSecond")}</span>
      </div>
      {now && now.failed > 0 && (
        <p class="small quiet">
          {t("demo.failures", { count: now.failed, n: number(now.failed) })} {now.last_failure}
        </p>
      )}
      {now?.numbers && <Counts numbers={now.numbers} check={now.check} />}
    </section>
  );
}

function Counts({ numbers, check }: Required<Pick<Demo, "numbers" | "check">>): JSX.Element | null {
  if (!numbers) return null;
  return (
    <>
      <table class="counts">
        <tbody>
          {(["closed", "rated", "declined_or_expired", "open", "fell_away", "not_asked"] as const).map(
            (name) => (
              <tr key={name}>
                <th scope="row" class={name === "closed" ? "" : "part"}>
                  {t(`count.${name}`)}
                </th>
                <td class="number">{number(numbers[name])}</td>
              </tr>
            ),
          )}
        </tbody>
      </table>
      {check && (
        <p class="quiet" role="status">
          {check.agrees === false
            ? check.wrong.join(" ")
            : t(check.agrees ? "check.agrees" : "check.underWay", { time: timeOfDay(check.at) })}
        </p>
      )}
    </>
  );
}

async function set(wanted: number | null): Promise<void> {
  failed.value = null;
  try {
    await play(wanted);
  } catch (error) {
    failed.value = asProblem(error);
  }
}

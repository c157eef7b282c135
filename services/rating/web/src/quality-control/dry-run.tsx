/** In the bar of what is unsaved: how many of the last closes would have been asked about, and why not the others. */
import { exactTime, number, shortTime } from "@candor/ui/format.ts";
import { sentence } from "@candor/ui/problems.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { t } from "../texts.ts";
import { byReason, DryRuns, type Reason, shares } from "./dry-run.ts";
import { type Editor, service } from "./editor.ts";
import { Emphasised } from "./emphasised.tsx";
import { type DryRun, type Settings, sent } from "./settings.ts";

const MOST_SHOWN = 12;

interface Shown {
  editor: Editor;
  settings: Settings;
  /** Where Live Chat is; null if that is not known. */
  liveChat: string | null;
}

export function DryRunBar({ editor, settings, liveChat }: Shown): JSX.Element | null {
  const runs = useMemo(() => new DryRuns((each) => service.tryOut(editor.channel, sent(each))), [editor]);
  const open = useSignal(false);
  const wrong = Object.keys(editor.wrong.value).length > 0;
  useEffect(() => {
    if (!wrong) runs.changed(settings);
    return () => runs.stop();
  }, [settings, wrong, runs]);
  const found = runs.found.value;
  const failure = runs.failure.value;
  if (failure) return <p class="dry-run quiet">{sentence(failure, t)}</p>;
  if (!found) return <p class="dry-run quiet">{t("dryRun.computing")}</p>;
  return (
    <>
      {open.value && <Reasons found={found} liveChat={liveChat} />}
      <div class="dry-run" aria-busy={runs.computing.value}>
        {found.closes > 0 && <Strip found={found} />}
        <p>
          <Emphasised
            text={t("dryRun.sentence", {
              closes: found.closes,
              asked: number(found.asked),
              saved: number(found.asked_as_saved),
            })}
          />{" "}
          {runs.computing.value && <span class="quiet">{t("dryRun.computing")}</span>}
          {found.not_asked.length > 0 && (
            <button
              type="button"
              class="link"
              aria-expanded={open.value}
              onClick={() => (open.value = !open.value)}
            >
              {t("dryRun.why")}
            </button>
          )}
        </p>
      </div>
    </>
  );
}

function Strip({ found }: { found: DryRun }): JSX.Element {
  const { both, differs } = shares(found);
  const fewer = found.asked < found.asked_as_saved;
  return (
    <div class="strip" aria-hidden="true">
      <i style={{ width: `${both}%` }} />
      <i class={fewer ? "fewer" : "more"} style={{ width: `${differs}%` }} />
    </div>
  );
}

function Reasons({ found, liveChat }: { found: DryRun; liveChat: string | null }): JSX.Element {
  const chosen = useSignal<Reason["reason"] | null>(null);
  const reasons = byReason(found);
  const closes = reasons.find(({ reason }) => reason === chosen.value)?.closes ?? [];
  return (
    <div class="reasons">
      <span class="quiet">{t("dryRun.notAsked", { count: found.not_asked.length })}</span>
      {reasons.map(({ reason, closes: these }) => (
        <button
          type="button"
          class="chip"
          key={reason}
          aria-pressed={chosen.value === reason}
          onClick={() => (chosen.value = chosen.value === reason ? null : reason)}
        >
          {t(`reason.${reason as "spam"}`)} <b>{number(these.length)}</b>
        </button>
      ))}
      {closes.length > 0 && (
        <ul>
          {closes.slice(0, MOST_SHOWN).map(({ dialog, close_seq, closed_at }) => (
            <li key={`${dialog}.${close_seq}`} title={exactTime(closed_at)}>
              {liveChat ? (
                <a
                  href={`${liveChat}?review=${encodeURIComponent(`${dialog}.${close_seq}`)}`}
                  target="_blank"
                  rel="noopener"
                >
                  {shortTime(closed_at, new Date())}
                </a>
              ) : (
                shortTime(closed_at, new Date())
              )}
            </li>
          ))}
          {closes.length > MOST_SHOWN && (
            <li class="quiet">{t("unsaved.more", { count: closes.length - MOST_SHOWN })}</li>
          )}
        </ul>
      )}
    </div>
  );
}

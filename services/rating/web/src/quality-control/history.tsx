/** History: every saved version, who saved it when, what it changed, and how to have it back. */
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { exactTime, shortTime } from "@candor/ui/format.ts";
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../texts.ts";
import { Comparison } from "./comparison.tsx";
import { type Editor, service } from "./editor.ts";
import { Section } from "./sections.tsx";
import type { Entry, Settings, View } from "./settings.ts";

interface Shown {
  editor: Editor;
  view: View;
  settings: Settings;
}

export function History(shown: Shown): JSX.Element {
  const { editor, view } = shown;
  const entries = useSignal<Entry[] | null>(null);
  const cursor = useSignal<string | null>(null);
  const problem = useSignal<Problem | null>(null);
  const load = async (from: string | null): Promise<void> => {
    problem.value = null;
    try {
      const page = await service.versions(editor.channel, from);
      entries.value = from ? [...(entries.value ?? []), ...page.versions] : page.versions;
      cursor.value = page.next_cursor;
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  useEffect(() => void load(null), [view.version]);
  return (
    <Section name="history" {...shown}>
      {problem.value && (
        <ProblemBanner problem={problem.value} title={t("history.failed")} again={() => load(cursor.value)} />
      )}
      <ol class="versions">
        {entries.value?.map((entry) => (
          <Version key={entry.version} entry={entry} editor={editor} current={view.version} />
        ))}
      </ol>
      {cursor.value && (
        <button type="button" class="link" onClick={() => load(cursor.value)}>
          {t("history.more")}
        </button>
      )}
    </Section>
  );
}

interface VersionOf {
  entry: Entry;
  editor: Editor;
  current: number;
}

function Version({ entry, editor, current }: VersionOf): JSX.Element {
  const compared = useSignal<[Settings, Settings] | null>(null);
  const problem = useSignal<Problem | null>(null);
  const { version } = entry;
  const compare = async (): Promise<void> => {
    if (compared.value) {
      compared.value = null;
      return;
    }
    try {
      const [before, after] = await Promise.all(
        [version - 1, version].map((each) => service.version(editor.channel, each)),
      );
      if (before && after) compared.value = [before, after];
    } catch (error) {
      problem.value = asProblem(error);
    }
  };
  return (
    <li>
      <div class="version">
        <b>{version}</b>
        {entry.saved_at ? (
          <time dateTime={entry.saved_at} title={exactTime(entry.saved_at)}>
            {shortTime(entry.saved_at, new Date())}
          </time>
        ) : (
          <span />
        )}
        <bdi>{entry.saved_by?.name}</bdi>
        <span class="what">
          {whatChanged(entry)} {version === current && <span class="in-use">{t("history.inUse")}</span>}
        </span>
        <span class="actions">
          {version > 1 && (
            <button type="button" class="link" aria-expanded={compared.value !== null} onClick={compare}>
              {t("history.compare")}
            </button>
          )}
          {version !== current && (
            <button
              type="button"
              class="link"
              aria-label={t("history.restoreVersion", { version })}
              onClick={() => editor.restore(version)}
            >
              {t("history.restore")}
            </button>
          )}
        </span>
      </div>
      {problem.value && <ProblemBanner problem={problem.value} title={t("history.failed")} />}
      {compared.value && (
        <Comparison
          columns={[
            { head: t("version", { version: version - 1 }), settings: compared.value[0] },
            { head: t("version", { version }), settings: compared.value[1] },
          ]}
        />
      )}
    </li>
  );
}

function whatChanged(entry: Entry): string {
  if (entry.saved_at === null) return t("history.first");
  if (entry.from_default) return t("history.fromDefault", { version: entry.from_default });
  if (entry.restores) return t("history.restores", { version: entry.restores });
  const names = entry.changed.map((name) => t(`changed.${name}` as "changed.texts") || name);
  return names.length
    ? new Intl.ListFormat(document.documentElement.lang).format(names)
    : t("history.nothing");
}

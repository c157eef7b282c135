/** The versions of a channel's form, and two of them compared. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { moment, number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../../texts.ts";
import { ChangeLine } from "../change.tsx";
import type { Next } from "./index.tsx";
import { RowsTable } from "./rows.tsx";
import type { FormVersion, FormVersions, Whole } from "./shapes/types.ts";

interface Shown {
  versions: FormVersions | null;
  isOneChannel: boolean;
  summary: Whole | null;
  zone: string;
  minimum?: number;
  few: boolean;
  onFilter: (next: Next) => void;
}

export function Versions(props: Shown): JSX.Element {
  const { versions, isOneChannel, summary, zone, minimum = 20, few, onFilter } = props;
  if (!isOneChannel) return <p class="quiet about">{t("versions.oneChannel")}</p>;
  if (!versions || !summary) return <div class="skeleton rows-skeleton" />;
  if (!versions.versions.length) return <p class="quiet about">{t("versions.none")}</p>;
  return (
    <>
      <RowsTable
        name={t("chart.tab.versions")}
        head={t("versions.version")}
        rows={versions.versions}
        whole={summary}
        minimum={minimum}
        few={few}
        keyOf={(row) => String(row.version)}
        nameOf={(row) => `${number(row.version)} · ${used(row, zone)}`}
        onChoose={(row) => onFilter({ version: row.version, vsVersion: null })}
        onFew={(open) => onFilter({ few: open })}
        fewWords={(count) => t("versions.count", { count, n: number(count) })}
      />
      {versions.versions.length > 1 && <Compared read={versions} onFilter={onFilter} />}
    </>
  );
}

function Compared({ read, onFilter }: { read: FormVersions; onFilter: (next: Next) => void }): JSX.Element {
  const { versions, compared } = read;
  const chosen = compared && { version: compared.version, vsVersion: compared.vs_version };
  const choose = (key: "version" | "vsVersion") => (value: number) => onFilter({ ...chosen, [key]: value });
  return (
    <section class="compared" aria-label={t("versions.compared")}>
      <p>
        <Choice
          label={t("versions.version")}
          rows={versions}
          value={chosen?.version}
          onChange={choose("version")}
        />{" "}
        {t("versions.with")}{" "}
        <Choice
          label={t("versions.with")}
          rows={versions}
          value={chosen?.vsVersion}
          onChange={choose("vsVersion")}
        />
      </p>
      {compared && (
        <dl>
          <dt>{t("table.satisfied")}</dt>
          <dd>
            {compared.comparable ? (
              <ChangeLine change={compared.changes.csat} kind="points" />
            ) : (
              <p class="small quiet">{t("versions.notComparable")}</p>
            )}
          </dd>
          <dt>{t("table.response")}</dt>
          <dd>
            <ChangeLine change={compared.changes.response_rate} kind="points" />
          </dd>
        </dl>
      )}
      <p class="small quiet">{t("versions.help")}</p>
    </section>
  );
}

interface Chosen {
  label: string;
  rows: readonly FormVersion[];
  value: number | undefined;
  onChange: (version: number) => void;
}

function Choice({ label, rows, value, onChange }: Chosen): JSX.Element {
  return (
    <span class="picker">
      <select
        aria-label={label}
        value={value}
        onChange={({ currentTarget }) => onChange(Number(currentTarget.value))}
      >
        {rows.map(({ version }) => (
          <option key={version} value={version}>
            {t("versions.named", { n: number(version) })}
          </option>
        ))}
      </select>
      <Icon name="chevron" />
    </span>
  );
}

/** "3 Mar – 12 Apr": when closes were asked with it, as far as they are in the period. */
function used({ first, last }: FormVersion, zone: string): string {
  const day = (at: string): string => moment(at, { day: "numeric", month: "short" }, zone);
  return day(first) === day(last) ? day(first) : `${day(first)} – ${day(last)}`;
}

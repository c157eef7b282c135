/** The versions of a channel's form, and two of them compared. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { moment, number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../../texts.ts";
import { ChangeLine } from "../change.tsx";
import type { Change } from "../data.ts";
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
        nameOf={(row) => `${t("versions.named", { n: number(row.version) })} · ${used(row, zone)}`}
        fewTitle={t("versions.few")}
        onChoose={(row) => onFilter({ version: row.version, vsVersion: null })}
        onFew={(open) => onFilter({ few: open })}
        fewWords={(count) => t("versions.count", { count, n: number(count) })}
      />
      <p class="small quiet about">{t("versions.all")}</p>
      {versions.versions.length > 1 ? (
        <Compared read={versions} onFilter={onFilter} />
      ) : (
        <p class="small quiet">{t("versions.one")}</p>
      )}
    </>
  );
}

function Compared({ read, onFilter }: { read: FormVersions; onFilter: (next: Next) => void }): JSX.Element {
  const { versions, compared } = read;
  const chosen = {
    version: compared?.version ?? versions[0]?.version ?? null,
    vsVersion: compared?.vs_version ?? versions[1]?.version ?? null,
  };
  const choose = (key: "version" | "vsVersion") => (value: number) => onFilter({ ...chosen, [key]: value });
  return (
    <section class="compared" aria-label={t("versions.compared")}>
      <p>
        <Choice
          label={t("versions.version")}
          rows={versions}
          value={chosen.version}
          other={chosen.vsVersion}
          onChange={choose("version")}
        />{" "}
        {t("versions.with")}{" "}
        <Choice
          label={t("versions.with")}
          rows={versions}
          value={chosen.vsVersion}
          other={chosen.version}
          onChange={choose("vsVersion")}
        />
      </p>
      {compared && (
        <dl>
          <dt>{t("table.satisfied")}</dt>
          <dd>
            {compared.comparable ? (
              <Difference change={compared.changes.csat} />
            ) : (
              <p class="small quiet">{t("versions.notComparable")}</p>
            )}
          </dd>
          <dt>{t("table.response")}</dt>
          <dd>
            <Difference change={compared.changes.response_rate} />
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
  value: number | null;
  /** What it is compared with, which can't be chosen. */
  other: number | null;
  onChange: (version: number) => void;
}

const Difference = ({ change }: { change: Change | null }): JSX.Element =>
  change ? (
    <ChangeLine change={change} kind="points" />
  ) : (
    <p class="small quiet">{t("versions.noAnswers")}</p>
  );

function Choice({ label, rows, value, other, onChange }: Chosen): JSX.Element {
  return (
    <>
      <span class="on-paper">{t("versions.named", { n: number(value ?? 0) })}</span>
      <span class="picker">
        <select
          aria-label={label}
          value={value ?? undefined}
          onChange={({ currentTarget }) => onChange(Number(currentTarget.value))}
        >
          {rows.map(({ version }) => (
            <option key={version} value={version} disabled={version === other}>
              {t("versions.named", { n: number(version) })}
            </option>
          ))}
        </select>
        <Icon name="chevron" />
      </span>
    </>
  );
}

/** "3 Mar – 12 Apr": when closes were asked with it, as far as they are in the period. */
function used({ first, last }: FormVersion, zone: string): string {
  const day = (at: string): string => moment(at, { day: "numeric", month: "short" }, zone);
  return day(first) === day(last) ? day(first) : `${day(first)} – ${day(last)}`;
}

/** What differs between settings, part by part. */
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { labelOf, wholeText } from "./sentences.ts";
import { differences, type Part, type Settings } from "./settings.ts";

interface Column {
  head: string;
  settings: Settings;
}

export function Comparison({ columns }: { columns: Column[] }): JSX.Element {
  const [first, ...others] = columns;
  const parts = new Set<Part>(
    first ? others.flatMap(({ settings }) => differences(first.settings, settings)) : [],
  );
  if (parts.size === 0) return <p class="note">{t("compare.same")}</p>;
  const differs = (part: Part, settings: Settings): boolean =>
    first !== undefined && differences(first.settings, settings).includes(part);
  return (
    <table class="comparison">
      <thead>
        <tr>
          <th scope="col">{t("compare.setting")}</th>
          {columns.map(({ head }) => (
            <th scope="col" key={head}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {[...parts].map((part) => (
          <tr key={part}>
            <th scope="row">{labelOf(part)}</th>
            {columns.map(({ head, settings }) => (
              <td key={head} dir="auto">
                {differs(part, settings) ? <b>{wholeText(part, settings)}</b> : wholeText(part, settings)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

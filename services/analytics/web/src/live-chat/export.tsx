/** The list as a file: a row for each close that the filters let through, rated or not. */
import { client, data } from "@candor/ui/api.ts";
import { ProblemBanner } from "@candor/ui/components/banner.tsx";
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { token } from "@candor/ui/session.ts";
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import type { paths } from "../api.gen.d.ts";
import { t } from "../texts.ts";
import { address } from "./address.ts";
import { filterOf, listFilterOf } from "./data.ts";

/** A year of a large channel takes minutes. */
const LONGEST_MS = 15 * 60_000;
const files = client<paths>("", token, LONGEST_MS);
const isUnderWay = signal(false);
const failure = signal<Problem | null>(null);

async function exportRows(): Promise<void> {
  const filter = filterOf(address.value, new Date());
  const query = { ...filter, ...listFilterOf(address.value), bom: true };
  isUnderWay.value = true;
  failure.value = null;
  try {
    const file = await data(
      files.GET("/v1/live-chat/export.csv", { params: { query }, parseAs: "blob" as const }),
    );
    save(file as Blob, `live-chat-${filter.from}-${filter.to}.csv`);
  } catch (error) {
    failure.value = asProblem(error);
  } finally {
    isUnderWay.value = false;
  }
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // Not at once: the browser has yet to begin.
  setTimeout(() => URL.revokeObjectURL(link.href), LONGEST_MS);
}

export function ExportButton(): JSX.Element {
  return (
    <button
      type="button"
      class="button export"
      title={t("export.what")}
      aria-disabled={isUnderWay.value}
      onClick={() => !isUnderWay.value && void exportRows()}
    >
      {isUnderWay.value ? t("export.underWay") : t("export")}
    </button>
  );
}

export function ExportFailed(): JSX.Element | null {
  const problem = failure.value;
  return (
    problem && (
      <ProblemBanner problem={problem} title={t("export.failed")} own={t} again={() => void exportRows()} />
    )
  );
}

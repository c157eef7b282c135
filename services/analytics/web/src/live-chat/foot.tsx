/** The sum of the parts, computed from what is shown. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { exactTime, number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { freshness, type Summary } from "./data.ts";
import { addsUp, SUM } from "./shape.ts";

export function Foot({ read }: { read: Summary | null }): JSX.Element | null {
  if (!read) return null;
  const parts = SUM.map((each) => t("counted", { n: number(read[each]), what: t(`sum.${each}`) })).join(
    " + ",
  );
  const args = { closed: t("sum.closed", { count: read.closed, n: number(read.closed) }), parts };
  const at = read.as_of ?? freshness.value?.as_of;
  return (
    <footer class="foot small quiet">
      <p>
        <Icon name={addsUp(read) ? "check" : "alert"} />
        <span>
          {t(addsUp(read) ? "foot.addsUp" : "foot.wrong", args)}
          {read.excluded > 0 &&
            ` · ${t("foot.excluded", { count: read.excluded, n: number(read.excluded) })}`}
        </span>
      </p>
      <p>{at ? t("foot.asOf", { time: exactTime(at, read.tz), zone: read.tz }) : read.tz}</p>
    </footer>
  );
}

/** A change in one line: how much, whether it is clear, and its interval. */
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import type { Change } from "./data.ts";

interface Changed {
  change: Change | null | undefined;
  kind: "points" | "score";
}

export function ChangeLine({ change, kind }: Changed): JSX.Element | null {
  if (!change) return null;
  const digits = kind === "points" ? 0 : 1;
  const size = number(Math.abs(change.value), digits);
  const isNone = Number(Math.abs(change.value).toFixed(digits)) === 0;
  const direction = isNone ? "=" : change.value > 0 ? "▲" : "▼";
  const word = change.too_few ? "change.tooFew" : change.clear ? "change.clear" : "change.chance";
  const range =
    change.too_few || change.low == null || change.high == null
      ? ""
      : t("change.range", { low: signed(change.low, digits), high: signed(change.high, digits) });
  return (
    <p class="small change">
      <strong>
        {direction} {kind === "points" ? t("change.points", { size }) : size}
      </strong>{" "}
      {t(word)} {range && `(${range})`}
    </p>
  );
}

function signed(value: number, digits: number): string {
  const text = number(Math.abs(value), digits);
  return Number(Math.abs(value).toFixed(digits)) === 0 ? text : value > 0 ? `+${text}` : `−${text}`;
}

/** A score as stars where the scale has five of them, else as words. */
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { t } from "../texts.ts";

interface Scored {
  score: number;
  scale: { lowest: number; highest: number };
  satisfied: boolean | null;
}

const STAR = "M8 1.6l1.9 4.1 4.5.5-3.4 3 1 4.4L8 11.4l-4 2.2 1-4.4-3.4-3 4.5-.5z";

export function Stars({ score, scale, satisfied }: Scored): JSX.Element {
  const words = t("score.of", { score: number(score), highest: number(scale.highest) });
  if (scale.lowest !== 1 || scale.highest !== 5) {
    return (
      <span class={`score-words ${satisfied ? "is-satisfied" : "is-not"}`}>
        <strong>{number(score)}</strong>{" "}
        <span class="quiet">{t("score.ofHighest", { highest: number(scale.highest) })}</span>
      </span>
    );
  }
  return (
    <span class="stars" style={{ "--ink": `var(--sat-${score})` }}>
      <span class="unseen">{words}</span>
      {[1, 2, 3, 4, 5].map((each) => (
        <svg key={each} width="14" height="14" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
          <path class={each <= score ? "filled" : "hollow"} d={STAR} />
        </svg>
      ))}
    </span>
  );
}

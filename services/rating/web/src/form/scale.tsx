/** The scale: a radio group of pictures or numbers; arrows move and choose, nothing is chosen beforehand. */
import { number } from "@candor/ui/format.ts";
import type { JSX } from "preact";
import { type Form, scores } from "./form.ts";
import { scoreText } from "./words.ts";

interface Asked {
  form: Form;
  chosen: number | null;
  onChoose: (score: number) => void;
}

export function Scale({ form, chosen, onChoose }: Asked): JSX.Element {
  return (
    <fieldset class={`scale ${form.scale.name}`} aria-labelledby="question">
      {scores(form).map((score) => (
        <label key={score} class={isFilled(form, score, chosen) ? "filled" : undefined}>
          <input
            type="radio"
            name="score"
            value={score}
            checked={score === chosen}
            aria-label={scoreText(form, score)}
            onChange={() => onChoose(score)}
          />
          <Picture form={form} score={score} />
        </label>
      ))}
    </fieldset>
  );
}

/** A score that was given, small. */
export function GivenScore({ form, score }: { form: Form; score: number }): JSX.Element {
  const shown = form.scale.name === "stars" ? scores(form) : [score];
  return (
    <div class="given">
      {form.scale.name !== "points" && (
        <span class={`pictures ${form.scale.name}`} aria-hidden="true">
          {shown.map((each) => (
            <span key={each} class={each <= score ? "filled" : undefined}>
              <Picture form={form} score={each} />
            </span>
          ))}
        </span>
      )}
      <b>{scoreText(form, score)}</b>
    </div>
  );
}

function isFilled(form: Form, score: number, chosen: number | null): boolean {
  return chosen !== null && (form.scale.name === "stars" ? score <= chosen : score === chosen);
}

const STAR = "M20 4.5 24.8 14.6 35.8 16 27.7 23.6 29.8 34.6 20 29.2 10.2 34.6 12.3 23.6 4.2 16 15.2 14.6Z";
const THUMB =
  "M6 18h6v17H6zM12 19.5 18.5 6c3.5 0 5 2.2 4.5 5.5L22.2 16H31c2.6 0 4.3 2.2 3.8 4.7l-2 10.5C32.4 33.5 30.7 35 28.5 35H12";
const FACE = "M20 4a16 16 0 1 0 0 32 16 16 0 0 0 0-32Z";
const EYES = "M14.5 15.5v1.5M25.5 15.5v1.5";
const MOUTHS = [
  "M13 28c1.6-3.2 4-4.5 7-4.5s5.400 1.300 7 4.5",
  "M13.5 26h13",
  "M13 23.5c1.6 3.2 4 4.5 7 4.5s5.400-1.300 7-4.5",
];

/** From very sad to very glad. */
const EMOJI_MOUTHS = [
  "M12.500 28.500c1.800-4.300 4.300-6 7.500-6s5.700 1.700 7.500 6",
  "M13.500 27.500c1.600-2.100 3.800-3 6.500-3s4.900.9 6.500 3",
  "M13.500 26h13",
  "M13.500 24c1.600 2.100 3.800 3 6.500 3s4.900-.9 6.500-3",
  "M12 22.500h16c-.7 4.500-3.500 7-8 7s-7.300-2.500-8-7Z",
];

function Picture({ form, score }: { form: Form; score: number }): JSX.Element {
  const { name, lowest } = form.scale;
  const mouths = { faces: MOUTHS, emoji: EMOJI_MOUTHS }[name];
  if (name !== "stars" && !mouths && name !== "thumbs") return <span>{number(score)}</span>;
  return (
    <svg viewBox="0 0 40 40" width="40" height="40" aria-hidden="true" focusable="false">
      {name === "stars" && <path d={STAR} />}
      {name === "thumbs" && (
        <path d={THUMB} transform={score === lowest ? "matrix(1 0 0 -1 0 41)" : undefined} />
      )}
      {mouths && (
        <>
          <path d={FACE} />
          <path class="line" d={`${EYES}${mouths[score - lowest] ?? ""}`} />
        </>
      )}
    </svg>
  );
}

/** Colour: the one that forms have, as it was chosen or moved so that everybody can read them. */
import { number } from "@candor/ui/format.ts";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../texts.ts";
import { Row } from "./row.tsx";
import type { Shown } from "./sections.tsx";
import { labelOf } from "./sentences.ts";
import type { Colours } from "./settings.ts";

const CANDORS_OWN = "#0b6664";
const SETTLED_MS = 150;
const SCHEMES = ["light", "dark"] as const;

export function Accent({ editor, settings }: Shown): JSX.Element {
  const { accent } = settings;
  const typed = useSignal(accent ?? "");
  const wrong = editor.wrong.value.accent;
  const colours = accent === null ? null : editor.colours.value;
  useEffect(() => {
    // Who draws over the palette chooses dozens in a second.
    const settled = setTimeout(() => void editor.derive(accent), SETTLED_MS);
    return () => clearTimeout(settled);
  }, [editor, accent]);
  useEffect(() => {
    if (!wrong) typed.value = accent ?? "";
  }, [accent, wrong]);
  const put = (next: string | null): void =>
    editor.change((before) => ({ ...before, accent: next }), "accent");
  const type = (text: string): void => {
    typed.value = text;
    const hex = /^\s*#?([0-9a-f]{6})\s*$/i.exec(text)?.[1]?.toLowerCase();
    if (hex) put(`#${hex}`);
    else if (text.trim()) editor.isWrong("accent", t("wrong.colour"));
    else put(null);
  };
  return (
    <Row editor={editor} part="accent" note={t("note.accent")}>
      <input
        type="color"
        class="swatch"
        aria-label={labelOf("accent")}
        value={accent ?? CANDORS_OWN}
        onInput={(event) => put(event.currentTarget.value)}
      />
      <input
        class="input hex"
        aria-label={t("accent.hex")}
        aria-invalid={wrong !== undefined}
        aria-describedby={wrong ? "wrong-accent" : undefined}
        placeholder={t("value.ownColour")}
        maxLength={9}
        value={typed.value}
        onInput={(event) => type(event.currentTarget.value)}
      />
      {accent !== null && (
        <button type="button" class="button" onClick={() => put(null)}>
          {t("accent.reset")}
        </button>
      )}
      {colours && (
        <div class="list quiet" role="status">
          {SCHEMES.map((scheme) => (
            <span key={scheme}>{movedText(scheme, colours)}</span>
          ))}
        </div>
      )}
    </Row>
  );
}

function movedText(scheme: (typeof SCHEMES)[number], colours: Colours): string {
  const { moved, page_ratio, text_ratio } = colours[scheme];
  return t(`accent.${scheme}.${moved ?? "kept"}`, {
    page: number(page_ratio, 1),
    text: number(text_ratio, 1),
  });
}

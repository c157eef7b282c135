/** A list of short texts, one in a row, that can be added to and taken from. */
import { Icon } from "@candor/ui/components/icons.tsx";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { fieldText } from "./editor.tsx";
import type { Wrong } from "./form.ts";
import { t } from "./texts.ts";

interface Listed {
  field: "allowed_origins" | "locales";
  texts: readonly string[];
  wrong: Wrong;
  admin: boolean;
  placeholder: string;
  /** What stands beside a row, such as the name of the language. */
  about?: (text: string) => string;
  change: (texts: string[]) => void;
}

const MOST = 100;

export function Rows({ field, texts, wrong, admin, placeholder, about, change }: Listed): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const focusOn = (at: number): void => {
    requestAnimationFrame(() => {
      const inputs = place.current?.querySelectorAll("input") ?? [];
      (inputs[Math.min(at, inputs.length - 1)] ?? place.current?.querySelector("button"))?.focus();
    });
  };
  const add = (): void => {
    change([...texts, ""]);
    focusOn(texts.length);
  };
  const remove = (at: number): void => {
    change(texts.filter((_, each) => each !== at));
    focusOn(at);
  };
  return (
    <div class="texts" ref={place}>
      {texts.map((text, at) => {
        const code = wrong[`${field}.${at}`];
        const id = `${field}-${at}`;
        return (
          <div class="text" key={at}>
            <div class="line start">
              <input
                class={`input ${field}`}
                value={text}
                readOnly={!admin}
                placeholder={placeholder}
                aria-label={t(`row.${field}`, { at: at + 1 })}
                aria-invalid={code ? true : undefined}
                aria-describedby={code ? id : undefined}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => {
                  change(texts.map((each, here) => (here === at ? event.currentTarget.value : each)));
                }}
              />
              {admin && (
                <button
                  type="button"
                  class="button plain icon"
                  aria-label={t("row.remove", { what: text || placeholder })}
                  onClick={() => remove(at)}
                >
                  <Icon name="cross" />
                </button>
              )}
              {about && <span class="small quiet">{about(text)}</span>}
            </div>
            {code && (
              <p class="wrong" id={id}>
                {fieldText(code)}
              </p>
            )}
          </div>
        );
      })}
      {texts.length === 0 && !admin && <span class="quiet">{t("row.none")}</span>}
      {admin && texts.length < MOST && (
        <button type="button" class="button plain add" onClick={add}>
          <Icon name="plus" /> {t(`add.${field}`)}
        </button>
      )}
    </div>
  );
}

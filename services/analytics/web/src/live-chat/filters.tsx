/** Teams, tags and languages: chosen from what was seen in the list, or typed; each chosen one is a chip. */
import { Menu } from "@candor/ui/components/controls.tsx";
import { Icon } from "@candor/ui/components/icons.tsx";
import type { JSX } from "preact";
import { t } from "../texts.ts";
import { address, go, KINDS, type Kind, LONGEST_WORD, wordOf, wordsOf } from "./address.ts";
import { seen } from "./data.ts";
import { filterName, languageName } from "./names.ts";

export function FilterMenu(): JSX.Element {
  const button = (
    <>
      <Icon name="plus" /> {t("filter")}
    </>
  );
  return (
    <Menu label={t("filter.add")} button={button} buttonClass="button add-filter">
      {() => (
        <div class="choices">
          {KINDS.map((kind) => (
            <Words key={kind} kind={kind} />
          ))}
          <p class="small quiet seen">{t("filter.seen")}</p>
        </div>
      )}
    </Menu>
  );
}

function Words({ kind }: { kind: Kind }): JSX.Element {
  const chosen = address.value[kind];
  const words = [...new Set([...seen.value[kind], ...chosen])];
  return (
    <fieldset class="words">
      <legend class="small quiet">{t(`filter.${kind}`)}</legend>
      {words.map((word) => (
        <label class="item" key={word}>
          <input
            type="checkbox"
            checked={chosen.includes(word)}
            onChange={({ currentTarget }) => choose(kind, word, currentTarget.checked)}
          />
          <span dir="auto">{kind === "locale" ? languageName(word) : word}</span>
          {kind === "locale" && <span class="number quiet">{word}</span>}
        </label>
      ))}
      <Typed kind={kind} />
    </fieldset>
  );
}

function Typed({ kind }: { kind: Kind }): JSX.Element {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("word") as HTMLInputElement;
    const word = wordOf(kind, field.value);
    field.setCustomValidity(word || kind !== "locale" || !field.value.trim() ? "" : t("filter.notALocale"));
    if (!field.reportValidity() || !word) return;
    choose(kind, word, true);
    field.value = "";
  };
  return (
    <form class="typed" noValidate onSubmit={submit}>
      <input
        class="input"
        name="word"
        maxLength={LONGEST_WORD}
        aria-label={t(`filter.another.${kind}`)}
        placeholder={t(`filter.another.${kind}`)}
        autoComplete="off"
        autoCapitalize="none"
        onInput={({ currentTarget }) => currentTarget.setCustomValidity("")}
      />
      <button type="submit" class="button">
        {t("filter.take")}
      </button>
    </form>
  );
}

function choose(kind: Kind, word: string, isChosen: boolean): void {
  const others = address.value[kind].filter((each) => each !== word);
  go({ [kind]: isChosen ? wordsOf(kind, [...others, word]) : others });
}

export function FilterChips(): JSX.Element {
  const without = (kind: Kind, word: string): void => {
    choose(kind, word, false);
    // The chip is gone, and the focus would be with it.
    document.querySelector<HTMLElement>(".add-filter")?.focus();
  };
  return (
    <>
      {KINDS.flatMap((kind) =>
        address.value[kind].map((word) => (
          <button
            type="button"
            class="chip"
            aria-pressed={true}
            key={`${kind} ${word}`}
            aria-label={t("chip.without", { what: filterName(kind, word) })}
            onClick={() => without(kind, word)}
          >
            <span class="chosen">{filterName(kind, word)}</span> <span aria-hidden="true">×</span>
          </button>
        )),
      )}
    </>
  );
}

/** The field that looks for words in comments; what is typed stands in the address, as one entry of the history. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../texts.ts";
import { address, go, LONGEST_SEARCH } from "./address.ts";

const PAUSE_MS = 300;
const ID = "search";

export const focusSearch = (): void => document.getElementById(ID)?.focus();

export function Search(): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const pending = useRef(0);
  const { q } = address.value;
  useEffect(() => {
    const { current } = field;
    // Whoever types is not disturbed; Back, and whatever clears the filters, is followed.
    if (current && !pending.current && current.value.trim() !== q) current.value = q;
  }, [q]);
  useEffect(() => () => clearTimeout(pending.current), []);
  const search = (): void => {
    clearTimeout(pending.current);
    pending.current = 0;
    go({ q: field.current?.value.trim() ?? "" }, "replace");
  };
  const later = (): void => {
    clearTimeout(pending.current);
    pending.current = window.setTimeout(search, PAUSE_MS);
  };
  return (
    <input
      id={ID}
      ref={field}
      type="search"
      class="input search"
      maxLength={LONGEST_SEARCH}
      placeholder={t("search.placeholder")}
      aria-label={t("search.label")}
      autoComplete="off"
      onInput={later}
      onKeyDown={({ key }) => key === "Enter" && search()}
    />
  );
}

/** Controls that have a keyboard of their own: segments (one of few), switches, menus. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";

interface Segments<V extends string> {
  label: string;
  value: V;
  options: readonly { value: V; text: ComponentChildren; name?: string }[];
  onChange: (value: V) => void;
}

/** One of a few: a radio group in which arrows move and choose. */
export function Segments<V extends string>({ label, value, options, onChange }: Segments<V>): JSX.Element {
  const group = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = options.findIndex((each) => each.value === value);
    const next = (at + step + options.length) % options.length;
    const chosen = options[next];
    if (!chosen) return;
    onChange(chosen.value);
    group.current?.querySelectorAll("button")[next]?.focus();
  };
  return (
    <div class="segments" role="radiogroup" aria-label={label} ref={group} onKeyDown={move}>
      {options.map((each) => (
        // biome-ignore lint/a11y/useSemanticElements: arrows choose at once, and pictures stand inside
        <button
          type="button"
          role="radio"
          key={each.value}
          aria-checked={each.value === value}
          aria-label={each.name}
          tabIndex={each.value === value ? 0 : -1}
          onClick={() => onChange(each.value)}
        >
          {each.text}
        </button>
      ))}
    </div>
  );
}

interface Switched {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
}

export function Switch({ label, on, onChange, disabled = false }: Switched): JSX.Element {
  return (
    <button
      type="button"
      role="switch"
      class="switch"
      aria-checked={on}
      aria-label={label}
      disabled={disabled}
      onClick={() => onChange(!on)}
    />
  );
}

interface Opened {
  label: string;
  button: ComponentChildren;
  buttonClass?: string;
  children: (close: () => void) => ComponentChildren;
}

/** Between a list and the side of the window, which it never passes. */
const MARGIN = 16;

/**
 * A button that opens a list below it. The chosen item (`aria-current`), else the first, gets the focus; Escape, Tab out
 * of it and a click elsewhere close it, arrows walk through its items.
 */
export function Menu({ label, button, buttonClass = "button", children }: Opened): JSX.Element {
  const open = useSignal(false);
  const place = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = (): void => {
    open.value = false;
    place.current?.querySelector("button")?.focus();
  };
  useEffect(() => {
    if (!open.value) return;
    const within = (what: string) => place.current?.querySelector<HTMLElement>(`.float ${what}`);
    (within("[aria-current]") ?? within(":is(button, a, input)"))?.focus();
    const outside = (event: Event): void => {
      if (!place.current?.contains(event.target as Node)) open.value = false;
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open.value]);
  useLayoutEffect(() => {
    const list = place.current?.querySelector<HTMLElement>(".float");
    if (!open.value || !list) return;
    const beyond = list.getBoundingClientRect().right + MARGIN - document.documentElement.clientWidth;
    if (beyond > 0) list.style.translate = `${-beyond}px`;
  }, [open.value]);
  const left = ({ relatedTarget }: FocusEvent): void => {
    if (relatedTarget && !place.current?.contains(relatedTarget as Node)) open.value = false;
  };
  const keys = (event: KeyboardEvent): void => {
    if (!open.value) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const items = [...(place.current?.querySelectorAll<HTMLElement>(".item:not(label), .item input") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    event.preventDefault();
    items[(at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length]?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the buttons inside bubble up to here
    <div class="menu" ref={place} onKeyDown={keys} onFocusOut={left}>
      <button
        type="button"
        class={buttonClass}
        aria-label={label}
        aria-expanded={open.value}
        aria-controls={id}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        {button}
      </button>
      {open.value && (
        <div class="float" id={id}>
          {children(close)}
        </div>
      )}
    </div>
  );
}

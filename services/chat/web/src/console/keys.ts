/** The console's shortcuts. Single letters only while nothing is typed, and nothing that a browser or system needs. */
import type { Store } from "./store.ts";

/** Listens until the function that it returns is called. */
export function keys(store: Store, help: () => void): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const action = actionOf(event, store, help);
    if (!action) return;
    event.preventDefault();
    action();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

export function actionOf(event: KeyboardEvent, store: Store, help: () => void): (() => void) | null {
  const { ctrlKey, altKey, metaKey, shiftKey, code, key } = event;
  if (document.querySelector("dialog[open]")) return null;
  if (ctrlKey && !altKey && !metaKey && !shiftKey && code === "KeyE") return () => closeChosen(store);
  if (altKey && !ctrlKey && !metaKey && key === "ArrowDown") return () => step(store, 1);
  if (altKey && !ctrlKey && !metaKey && key === "ArrowUp") return () => step(store, -1);
  if (ctrlKey || altKey || metaKey) return null;
  if (key === "Escape" && isComposer(event.target)) return () => focusNow(".conversation h1");
  if (isTyping(event.target)) return null;
  if (key === "/") return () => focusNow("#search");
  if (key === "?") return help;
  if (isLetter(event, "t")) return () => takeFirst(store);
  if (isLetter(event, "u")) return () => undo(store);
  return null;
}

export function takeFirst(store: Store): void {
  const { waiting } = store.lists.peek();
  const [first] = waiting;
  const busy = store.busy.peek();
  // Whoever types where no field is takes one dialog by a "t", not as many as the word has.
  if (first && !waiting.some((each) => busy.has(each.dialog)))
    void store.take(first.dialog).then((taken) => taken && focusOn(".composer textarea"));
}

function closeChosen(store: Store): void {
  const view = store.view.peek();
  if (view?.state !== "open" || view.waiting) return;
  void store.close(view.dialog).then((closed) => closed && focusOn(".conversation h1"));
}

function undo(store: Store): void {
  const toast = store.toast.peek();
  if (toast && "closed" in toast) {
    void store.reopen(toast.dialog, toast.closed).then((done) => done && focusOn(".composer textarea"));
  }
}

/** The next or previous of the operator's open dialogs; the first if none of them is shown. */
function step(store: Store, by: 1 | -1): void {
  const { mine } = store.lists.peek();
  const at = mine.findIndex(({ dialog }) => dialog === store.chosen.peek());
  const next = at < 0 ? mine[0] : mine[at + by];
  if (!next) return;
  store.choose(next.dialog);
  focusOn(".composer textarea");
}

/** Gives the focus to what is there: the next key is its own already. */
function focusNow(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

/** Gives the focus to what the page shows next: the first of these that there is. */
export function focusOn(...selectors: string[]): void {
  requestAnimationFrame(() => {
    const found = selectors.map((each) => document.querySelector<HTMLElement>(each)).find(Boolean);
    found?.focus();
  });
}

/** The letter, or the key in its place on a keyboard that writes Cyrillic or Greek. */
function isLetter({ key, code }: KeyboardEvent, letter: string): boolean {
  return key.toLowerCase() === letter || (code === `Key${letter.toUpperCase()}` && !/^[a-z]$/i.test(key));
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

function isComposer(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches(".composer textarea, #search");
}

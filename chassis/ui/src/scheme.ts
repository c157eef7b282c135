/** Light or dark: what the reader chose, else what their system says. */
import { signal } from "@preact/signals";

export type Scheme = "light" | "dark";
const STORED = "candor.scheme";
const system = matchMedia("(prefers-color-scheme: dark)");

export const scheme = signal<Scheme>(chosen() ?? (system.matches ? "dark" : "light"));

/** Shows the scheme, and follows the system as long as nothing was chosen; paper is always light. */
export function applyScheme(): void {
  document.documentElement.dataset.theme = scheme.value;
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.theme = "light";
  });
  addEventListener("afterprint", () => show(scheme.value));
  system.addEventListener("change", ({ matches }) => {
    if (!chosen()) show(matches ? "dark" : "light");
  });
}

/** Changes to the other scheme, and remembers it. */
export function toggleScheme(): void {
  show(scheme.value === "dark" ? "light" : "dark");
  try {
    localStorage.setItem(STORED, scheme.value);
  } catch {
    // Not remembered; shown all the same.
  }
}

function show(next: Scheme): void {
  scheme.value = next;
  document.documentElement.dataset.theme = next;
}

function chosen(): Scheme | null {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === "light" || stored === "dark" ? stored : null;
  } catch {
    return null;
  }
}

/** A channel's own colours, set by CSSOM: the page's policy takes no style that is written in it. */
import type { Form } from "./form.ts";

const NAMES = ["accent", "hover", "soft", "on_accent"] as const;

/** Shows a form in its colours, in both schemes; with null in Candor's own. */
export function paint(colours: Form["colours"]): void {
  const { classList, style } = document.documentElement;
  classList.toggle("coloured", colours !== null);
  for (const scheme of ["light", "dark"] as const) {
    for (const name of NAMES) style.setProperty(`--${scheme}-${name}`, colours?.[scheme][name] ?? null);
  }
}

/** What the form and the page around its frame tell one another; only messages of the frame's parent count. */
import type { Scheme } from "@candor/ui/scheme.ts";
import type { Form } from "./form.ts";

/** What the widget tells: the visitor's token, and of which dialog to show the form. */
export interface Told {
  token: string;
  dialog: string | null;
  locale: string | null;
  theme: Scheme | null;
}

/** What Quality control tells its preview. */
export interface Previewed {
  form: Form;
  /** With this score chosen. */
  score: number | null;
  /** From which score on a client is satisfied, and what is said then, and else. */
  satisfied: number;
  thanks: { satisfied: string; other: string };
  theme: Scheme;
}

/** Nothing secret is told: any site may be the parent, and the frame's policy says which. */
export function tell(message: Record<string, unknown>): void {
  window.parent.postMessage({ candor: "form", ...message }, "*");
}

/** Calls `told` whenever the widget says whose forms to show. */
export function listenToWidget(told: (told: Told) => void): void {
  addEventListener("message", (event: MessageEvent<unknown>) => {
    if (event.source !== window.parent) return;
    const heard = toldBy(event.data);
    if (heard) told(heard);
  });
}

/** Calls `show` whenever a page of this origin says what to preview. */
export function listenToPreview(show: (previewed: Previewed) => void): void {
  addEventListener("message", (event: MessageEvent<{ candor?: string; preview?: Previewed } | null>) => {
    if (event.source !== window.parent || event.origin !== location.origin) return;
    if (event.data?.candor === "form" && event.data.preview) show(event.data.preview);
  });
}

/** The widget's message as it may be used; null if it is none. */
export function toldBy(data: unknown): Told | null {
  if (typeof data !== "object" || data === null) return null;
  const { candor, token, dialog, locale, theme } = data as Record<string, unknown>;
  if (candor !== "form" || typeof token !== "string" || token === "") return null;
  return {
    token,
    dialog: typeof dialog === "string" ? dialog : null,
    locale: typeof locale === "string" ? locale : null,
    theme: theme === "light" || theme === "dark" ? theme : null,
  };
}

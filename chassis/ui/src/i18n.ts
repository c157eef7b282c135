/** Which language a page speaks, and its texts: each room declares its own with `texts`. */
import { batch, computed, signal } from "@preact/signals";

export const LOCALES = ["en", "ru", "fr"] as const;
export type Locale = (typeof LOCALES)[number];
export type Args = Record<string, string | number | boolean>;
type Compiled = Record<string, (args: Args) => string>;
/** Loads the compiled texts of a language, `import("../messages/fr.json?messages")`. */
export type Loader = () => Promise<{ default: unknown }>;

const STORED = "candor.locale";
const sets: { load: Record<string, Loader>; compiled: { value: Compiled } }[] = [];

/** The language of the page, from the visitor's choice before, else from the browser. */
export const locale = signal<string>("en");

/** The tag to format by: the browser's own variant of the page's language (en-GB), else the language. */
export const formatTag = computed(
  () =>
    navigator.languages.find((tag) => TAG.test(tag) && tag.split("-")[0] === locale.value) ?? locale.value,
);

/** What browsers say is not always a tag: "en-US@posix". */
const TAG = /^[a-z\d-]+$/i;

/**
 * Declares a room's texts: `const t = texts<typeof en>({ en: () => import("../messages/en.json?messages"), … })`.
 * `t("saved", { when })` is the text in the language of the page; until `speak` was awaited it is empty.
 */
export function texts<M>(load: Record<string, Loader>): (key: keyof M & string, args?: Args) => string {
  const compiled = signal<Compiled>({});
  sets.push({ load, compiled });
  return (key, args = {}) => compiled.value[key]?.(args) ?? "";
}

/** Loads all texts in a language (English where a room lacks it) and makes it the page's. */
export async function speak(wanted: string): Promise<void> {
  await load(wanted);
  document.documentElement.lang = wanted;
  document.documentElement.dir = direction(wanted);
}

/** Loads all texts in a language and speaks it, on a page that may itself be in another one. */
export async function load(wanted: string): Promise<void> {
  const loaded = await Promise.all(sets.map(({ load }) => (load[wanted] ?? load.en)?.()));
  batch(() => {
    sets.forEach(({ compiled }, at) => {
      compiled.value = (loaded[at]?.default ?? {}) as Compiled;
    });
    locale.value = wanted;
  });
}

/** "rtl" for languages that are written from right to left. */
export function direction(tag: string): "ltr" | "rtl" {
  return /^(ar|he|fa|ur)\b/.test(tag) ? "rtl" : "ltr";
}

/** The language chosen before, else the first of the browser's that there is among `known`, else English. */
export function preferred(known: readonly string[] = LOCALES): string {
  const wanted = [remembered(), ...navigator.languages];
  for (const tag of wanted) {
    const language = tag?.split("-")[0]?.toLowerCase();
    if (language && known.includes(language)) return language;
  }
  return "en";
}

/** Makes a language the page's, now and at the next visit. */
export async function choose(wanted: Locale): Promise<void> {
  try {
    localStorage.setItem(STORED, wanted);
  } catch {
    // A browser that keeps nothing still speaks the language until the page is closed.
  }
  await speak(wanted);
}

function remembered(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

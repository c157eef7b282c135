/** Messages: ICU MessageFormat in a JSON file per locale, compiled into functions when a room is built. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import MessageFormat from "@messageformat/core";
import compileModule from "@messageformat/core/compile-module.js";
import { parse, type Token } from "@messageformat/parser";
import type { Plugin } from "vite";

export const LOCALES = ["en", "ru", "fr"] as const;
type Texts = Record<string, string>;

const QUERY = "?messages";

/** `import("../messages/fr.json?messages")` gives the compiled texts of a locale. */
export function compiledMessages(): Plugin {
  return {
    name: "candor-compiled-messages",
    enforce: "pre",
    load(id) {
      if (!id.endsWith(QUERY)) return null;
      const file = id.slice(0, -QUERY.length);
      this.addWatchFile(file);
      return { code: compiled(file), moduleType: "js" };
    },
  };
}

/** Fails the build of a room where a text of its own, of a page of it, or of this room is missing in a locale. */
export function wholeMessages(folder: string): Plugin {
  return {
    name: "candor-whole-messages",
    buildStart() {
      const inside = resolve(folder, "src");
      const pages = existsSync(inside) ? readdirSync(inside).map((name) => resolve(inside, name)) : [];
      const folders = [folder, resolve(import.meta.dirname, ".."), ...pages]
        .map((place) => resolve(place, "messages"))
        .filter((place) => existsSync(place));
      const problems = folders.flatMap(missing);
      if (problems.length > 0) this.error(problems.join("\n"));
    },
  };
}

/** The source of an ES module whose default export has a function per text. */
export function compiled(file: string): string {
  const locale = basename(file, ".json");
  const format = new MessageFormat(locale, { returnType: "string" });
  const typeset = locale === "fr" ? unbroken : (text: string) => text;
  return compileModule(
    format,
    Object.fromEntries(Object.entries(texts(file)).map(([key, text]) => [key, typeset(text)])),
  );
}

/** French puts a blank before these signs; no line may begin with one. */
function unbroken(text: string): string {
  return text.replace(/ (?=[;?!])/g, "\u202f").replace(/ (?=[:»])|(?<=«) /g, "\u00a0");
}

/**
 * What a folder of messages lacks: a sentence for each text, each argument, and each case of a plural, that a locale
 * does not have. It has all of `LOCALES`, and whole whichever others are begun.
 */
export function missing(folder: string): string[] {
  const english = texts(resolve(folder, "en.json"));
  const begun = readdirSync(folder).map((name) => basename(name, ".json"));
  const locales = [...LOCALES, ...begun.filter((name) => !(LOCALES as readonly string[]).includes(name))];
  return locales.flatMap((locale) => {
    const file = resolve(folder, `${locale}.json`);
    const there = texts(file);
    const name = `${basename(dirname(folder))}/messages/${locale}.json`;
    return [
      ...Object.keys(english)
        .filter((key) => !there[key])
        .map((key) => `${name}: "${key}" is missing`),
      ...Object.keys(there)
        .filter((key) => !(key in english))
        .map((key) => `${name}: "${key}" is in no page`),
      ...Object.keys(english)
        .filter((key) => there[key] && args(there[key]) !== args(english[key] ?? ""))
        .map(
          (key) =>
            `${name}: "${key}" has the arguments ${args(there[key] ?? "")}, not ${args(english[key] ?? "")}`,
        ),
      ...Object.keys(there).flatMap((key) =>
        lackedCases(there[key] ?? "", locale).map(
          (each) => `${name}: "${key}" has a plural without "${each}"`,
        ),
      ),
    ];
  });
}

function texts(file: string): Texts {
  return JSON.parse(readFileSync(file, "utf8")) as Texts;
}

function args(text: string): string {
  const names = new Set(tokensOf(parse(text)).flatMap((token) => ("arg" in token ? [token.arg] : [])));
  return [...names].sort().join(", ") || "none";
}

/** All tokens of a text, those within its cases among them. */
function tokensOf(tokens: Token[]): Token[] {
  return tokens.flatMap((token) => [
    token,
    ...("cases" in token ? token.cases.flatMap((each) => tokensOf(each.tokens)) : []),
  ]);
}

const COUNTS = [...Array(200).keys()];

/** The cases that whole numbers have in a locale, and a plural of the text hasn't; "many" of French begins at a million. */
function lackedCases(text: string, locale: string): string[] {
  const rules = new Intl.PluralRules(locale);
  const wanted = [...new Set(COUNTS.map((count) => rules.select(count)))];
  const lacked = tokensOf(parse(text)).flatMap((token) => {
    if (token.type !== "plural") return [];
    const there = new Set(token.cases.map((each) => each.key));
    return wanted.filter((each) => !there.has(each));
  });
  return [...new Set(lacked)];
}

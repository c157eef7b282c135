import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compiled, missing } from "./messages.ts";

function folder(texts: Record<string, Record<string, string>>): string {
  const place = join(mkdtempSync(join(tmpdir(), "messages-")), "messages");
  mkdirSync(place);
  for (const locale of ["en", "ru", "fr"]) {
    writeFileSync(join(place, `${locale}.json`), JSON.stringify(texts[locale] ?? texts.en));
  }
  return place;
}

describe("what a folder of messages lacks", () => {
  test("nothing, if each locale has each text with the same arguments", () => {
    const place = folder({
      en: { closed: "{n, plural, one {# chat} other {# chats}} of {name}" },
      ru: { closed: "{name}: {n, plural, one {# чат} few {# чата} many {# чатов} other {# чата}}" },
    });
    expect(missing(place)).toEqual([]);
  });

  test("a text that is missing, empty, left over, or has another argument", () => {
    const place = folder({
      en: { a: "A", b: "B", c: "{n} of {m}" },
      ru: { a: "", c: "{n} из {all}", d: "Д" },
      fr: { a: "A", b: "B", c: "{n} sur {m}" },
    });
    expect(missing(place).map((problem) => problem.replace(/^.*json: /, ""))).toEqual([
      '"a" is missing',
      '"b" is missing',
      '"d" is in no page',
      '"c" has the arguments all, n, not m, n',
    ]);
  });

  test("a case of a plural that whole numbers have in the language", () => {
    const place = folder({
      en: { n: "{n, plural, one {# chat} other {# chats}}" },
      ru: { n: "{n, plural, one {# чат} few {# чата} other {# чатов}}" },
      fr: { n: "{n, plural, other {# dialogues}}" },
    });
    expect(missing(place).map((problem) => problem.replace(/^.*json: /, ""))).toEqual([
      '"n" has a plural without "many"',
      '"n" has a plural without "one"',
    ]);
  });

  test("a text of a further language that was begun", () => {
    const place = folder({ en: { a: "A", b: "B" } });
    writeFileSync(join(place, "ar.json"), JSON.stringify({ a: "ا" }));
    expect(missing(place)).toEqual([expect.stringMatching(/ar.json: "b" is missing/)]);
  });
});

test("French signs stay with the word before them", () => {
  const place = folder({ en: { a: "A" }, fr: { a: "« {a} » : vraiment ? Oui ; non !" } });
  const blanks = compiled(join(place, "fr.json")).match(/[\u00a0\u202f]/g);
  expect(blanks).toEqual(["\u00a0", "\u00a0", "\u00a0", "\u202f", "\u202f", "\u202f"]);
});

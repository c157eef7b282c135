// The committed AsyncAPI documents are valid by AsyncAPI's own parser.
import { readdirSync, readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import { describe, expect, it } from "vitest";

const FOLDER = new URL("../docs/asyncapi/", import.meta.url);
// FastStream writes 3.0.0, which the parser only informs of: what these documents say is the same in 3.1.0.
const NOT_THE_NEWEST = "asyncapi-latest-version";

const text = (file: string): string => readFileSync(new URL(file, FOLDER), "utf8");

async function complaints(document: string): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(document);
  return diagnostics
    .filter(({ code }) => code !== NOT_THE_NEWEST)
    .map(({ path, message }) => `${path.join("/")}: ${message}`);
}

describe.each(readdirSync(FOLDER))("%s", (file) => {
  it("is what AsyncAPI says that a document is", async () => {
    expect(await complaints(text(file))).toEqual([]);
  }, 30_000);
});

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string): Record<string, unknown> => JSON.parse(readFileSync(resolve(root, path), "utf8"));

/** The keys of a room's English texts, and of those of its pages that have their own. */
function keys(room: string): Set<string> {
  const pages = readdirSync(resolve(root, room, "src")).map((name) => `${room}/src/${name}`);
  const files = [room, ...pages].map((place) => `${place}/messages/en.json`);
  return new Set(
    files.filter((file) => existsSync(resolve(root, file))).flatMap((file) => Object.keys(read(file))),
  );
}

describe("every problem that a service can answer with has a text of a page", () => {
  const shared = keys("chassis/ui");
  for (const name of readdirSync(resolve(root, "docs/openapi"))) {
    const service = name.replace(".json", "");
    test(service, () => {
      const own = keys(`services/${service}/web`);
      const codes = Object.keys(read(`docs/openapi/${name}`)["x-problems"] as object);
      expect(codes.filter((code) => !shared.has(`problem.${code}`) && !own.has(`problem.${code}`))).toEqual(
        [],
      );
    });
  }
});

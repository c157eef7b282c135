/** How the pages of a room are built: every HTML file of it is a page. */
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import type { UserConfig } from "vite";
import { compressed } from "./compressed.ts";
import { embedded } from "./embedded.ts";
import { compiledMessages, wholeMessages } from "./messages.ts";

interface Room {
  /** The service that serves the pages: their files are under `/pages/<service>/`. */
  service: string;
  /** The room's folder, `import.meta.dirname` of its `vite.config.ts`. */
  folder: string;
  /** Where the built files go, from the room's folder. */
  out: string;
  /** Scripts for pages of others: the module that each of these fixed names loads. */
  scripts?: Record<string, string>;
}

export function pages({ service, folder, out, scripts = {} }: Room): UserConfig {
  const names = readdirSync(folder).filter((name) => name.endsWith(".html"));
  return {
    root: folder,
    base: `/pages/${service}/`,
    plugins: [wholeMessages(folder), compiledMessages(), embedded(scripts), compressed()],
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: resolve(folder, out),
      emptyOutDir: true,
      target: "es2022",
      // A page's own origin is asked for everything; nothing is put into the page as data: addresses.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      rolldownOptions: {
        input: names.map((name) => resolve(folder, name)),
        // How long plugins take is no news to whoever calls `make`.
        checks: { pluginTimings: false },
      },
    },
  };
}

/** Scripts that stand on pages of others: a small one of a fixed name loads the hashed modules of the present build. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { build, type Plugin, type ResolvedConfig, type Rolldown } from "vite";
import { compiledMessages } from "./messages.ts";

/** Builds each script by itself, so that it shares no file with our own pages. */
export function embedded(scripts: Record<string, string>): Plugin {
  let config: ResolvedConfig;
  return {
    name: "candor-embedded",
    apply: "build",
    configResolved(resolved) {
      config = resolved;
    },
    async writeBundle() {
      for (const [name, module] of Object.entries(scripts)) {
        const source = loader(config.base + (await built(config, module)));
        writeFileSync(resolve(config.build.outDir, name), source);
      }
    },
  };
}

/** The name of the file that `module` was built into. */
async function built(config: ResolvedConfig, module: string): Promise<string> {
  const { outDir, target, assetsInlineLimit } = config.build;
  const file = resolve(config.root, module);
  const result = (await build({
    configFile: false,
    root: config.root,
    base: config.base,
    logLevel: "warn",
    plugins: [compiledMessages()],
    oxc: config.oxc as object,
    build: {
      outDir,
      target,
      assetsInlineLimit,
      emptyOutDir: false,
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: { input: file, preserveEntrySignatures: "strict" },
    },
  })) as Rolldown.RolldownOutput;
  const entry = result.output.find((each) => each.type === "chunk" && each.isEntry);
  if (!entry) throw new Error(`${module} was built into nothing`);
  return entry.fileName;
}

/**
 * A classic script of another origin has no base for `import()`: the address follows from its own. A script that
 * somebody kept may name a module which a release took away: then it puts the present script in its own place, once.
 */
export function loader(address: string): string {
  const again =
    'const next=document.createElement("script");Object.assign(next.dataset,script.dataset);' +
    "next.nonce=script.nonce;next.src=url.href;script.replaceWith(next)";
  return (
    "(()=>{const script=document.currentScript,url=new URL(script.src);" +
    `import(new URL(${JSON.stringify(address)},url).href).then(({start})=>start(script),()=>{` +
    'if(url.searchParams.has("again"))return;url.searchParams.set("again",Date.now());' +
    `${again}})})();\n`
  );
}

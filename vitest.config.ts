import { defineConfig } from "vitest/config";
import { compiledMessages } from "./chassis/ui/build/messages.ts";

export default defineConfig({
  plugins: [compiledMessages()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: {
    include: [
      "chassis/ui/**/*.test.ts?(x)",
      "services/*/web/**/*.test.ts?(x)",
      "deploy/local/web/**/*.test.ts?(x)",
      "deploy/*.test.ts",
    ],
  },
});

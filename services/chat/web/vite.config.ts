import { pages } from "@candor/ui/build";

export default pages({
  service: "chat",
  folder: import.meta.dirname,
  out: "../src/chat/static",
  scripts: { "widget.js": "src/widget/main.tsx" },
});

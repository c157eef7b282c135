import { resolve } from "node:path";
import { pages } from "@candor/ui/build";
import { wholeMessages } from "@candor/ui/build/messages.ts";

const folder = import.meta.dirname;
const room = pages({ service: "rating", folder, out: "../src/rating/static" });

export default { ...room, plugins: [wholeMessages(resolve(folder, "src/form")), room.plugins] };

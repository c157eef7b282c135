import { pages } from "@candor/ui/build";

export default pages({ service: "start", folder: import.meta.dirname, out: "../static" });

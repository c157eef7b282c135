import { pages } from "@candor/ui/build";

export default pages({ service: "analytics", folder: import.meta.dirname, out: "../src/analytics/static" });

import { pages } from "@candor/ui/build";

export default pages({ service: "rating", folder: import.meta.dirname, out: "../src/rating/static" });

/** The start page of `make run`: what runs here, whom one can be, demo traffic. Development only. */
import "@candor/ui/tokens.css";
import "@candor/ui/base.css";
import "@candor/ui/components.css";
import "./start.css";
import { preferred, speak } from "@candor/ui/i18n.ts";
import { applyScheme } from "@candor/ui/scheme.ts";
import { render } from "preact";
import { watch } from "./data.ts";
import { Page } from "./page.tsx";

applyScheme();
void speak(preferred()).then(() => {
  const place = document.getElementById("page");
  if (!place) throw new Error("The page has no #page");
  render(<Page />, place);
  return watch();
});

/** How a staff page begins: language, colours, sign-in, then the page. */
import "./tokens.css";
import "./marks.css";
import "./base.css";
import "./components.css";
import { type ComponentChildren, render } from "preact";
import { preferred, speak } from "./i18n.ts";
import { applyScheme } from "./scheme.ts";
import { type SignIn, start } from "./session.ts";
import { settings } from "./settings.ts";

export interface StaffSettings {
  signIn: SignIn;
}

/** Renders the page into `#page`. */
export function staffPage(Page: () => ComponentChildren): void {
  applyScheme();
  const place = document.getElementById("page");
  if (!place) throw new Error("The page has no #page");
  void speak(preferred()).then(() => {
    render(<Page />, place);
    return start(settings<StaffSettings>().signIn);
  });
}

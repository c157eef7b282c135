/** The form: opened by a link, in the frame of a widget, or as Quality control's preview. */
import "@candor/ui/tokens.css";
import "@candor/ui/base.css";
import "./form.css";
import { applyScheme } from "@candor/ui/scheme.ts";
import { render } from "preact";
import { openByLink } from "./by-link.ts";
import { openInWidget } from "./in-widget.ts";
import { FormPage } from "./page.tsx";
import { openPreview } from "./preview.ts";

const place = document.getElementById("page");
if (!place) throw new Error("The page has no #page");

applyScheme();
const query = new URLSearchParams(location.search);
const framed = window.parent !== window;
const store =
  framed && query.has("preview")
    ? openPreview()
    : framed && query.has("channel")
      ? openInWidget()
      : openByLink();
const inWidget = framed && !query.has("preview");
document.documentElement.classList.toggle("in-widget", inWidget);
render(<FormPage store={store} inWidget={inWidget} />, place);

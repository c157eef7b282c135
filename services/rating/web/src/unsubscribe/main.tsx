/** Stops mails: opened by the link `/unsubscribe#<token>` in a mail, does it on a click, and never by being opened. */
import "@candor/ui/tokens.css";
import "@candor/ui/base.css";
import "@candor/ui/components.css";
import "./unsubscribe.css";
import { client, data } from "@candor/ui/api.ts";
import { preferred, speak } from "@candor/ui/i18n.ts";
import { asProblem } from "@candor/ui/problems.ts";
import { applyScheme } from "@candor/ui/scheme.ts";
import { signal } from "@preact/signals";
import { type JSX, render } from "preact";
import type { paths } from "../api.gen.d.ts";
import { LOCALES, t } from "./texts.ts";

type Moment = "asked" | "sending" | "done" | "problem.no-such-link" | "failed";

const api = client<paths>("", async () => null);
const moment = signal<Moment>("asked");

async function stop(): Promise<void> {
  if (moment.value === "sending") return;
  moment.value = "sending";
  try {
    await data(api.POST("/v1/mail/unsubscribe", { params: { query: { token: location.hash.slice(1) } } }));
    moment.value = "done";
  } catch (error) {
    moment.value = asProblem(error).code === "no-such-link" ? "problem.no-such-link" : "failed";
  }
}

function UnsubscribePage(): JSX.Element {
  const open = moment.value !== "done" && moment.value !== "problem.no-such-link";
  return (
    <main class="unsubscribe">
      <h1>{t("title")}</h1>
      <p role="status">{t(moment.value === "sending" ? "asked" : moment.value)}</p>
      {open && (
        <button
          type="button"
          class="button first large"
          aria-disabled={moment.value === "sending"}
          onClick={stop}
        >
          {t("stop")}
        </button>
      )}
    </main>
  );
}

const place = document.getElementById("page");
if (!place) throw new Error("The page has no #page");

applyScheme();
addEventListener("hashchange", () => {
  moment.value = "asked";
});
await speak(preferred(LOCALES));
document.title = t("title");
render(<UnsubscribePage />, place);

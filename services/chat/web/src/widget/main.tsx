/** The widget: `widget.js` calls `start` with its own `<script data-channel="…" async>`. */

import { direction, formatTag, load, locale } from "@candor/ui/i18n.ts";
import { asProblem, mayPass } from "@candor/ui/problems.ts";
import tokens from "@candor/ui/tokens.css?inline";
import { signal } from "@preact/signals";
import { render } from "preact";
import { apiOf, type Contact } from "./api.ts";
import { Chat } from "./chat.ts";
import { memory } from "./memory.ts";
import { languageOf } from "./texts.ts";
import { Visitor } from "./visitor.ts";
import styles from "./widget.css?inline";
import { Widget } from "./widget.tsx";

const ELEMENT = "candor-chat";
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 300_000;

/** Draws the widget of the channel that the script names, once chat has told that there is one. */
export async function start(script: HTMLScriptElement): Promise<void> {
  const { channel, locale: wanted, theme, name, email } = script.dataset;
  if (!channel || document.querySelector(ELEMENT)) return;
  // Beside the body: what the page does to that, and to all that is in it, does not concern the widget.
  const host = document.documentElement.appendChild(document.createElement(ELEMENT));
  const language = languageOf([wanted, document.documentElement.lang, ...navigator.languages]);
  const kept = memory(`candor.${channel}.`, () => localStorage);
  const ofTab = memory(`candor.${channel}.`, () => sessionStorage);
  const contact = { ...(name?.trim() && { name }), ...(email?.trim() && { email }) };
  const chat = chatOf(new URL(script.src).origin, channel, kept, contact);
  await Promise.all([load(language), begun(chat)]);
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [tokens, styles].map(sheet);
  keepKeys(shadow);
  const scheme = schemeOf(theme);
  render(
    <Widget chat={chat} ofTab={ofTab} scheme={scheme} lang={language} dir={direction(language)} />,
    shadow,
  );
}

function chatOf(origin: string, channel: string, kept: ReturnType<typeof memory>, contact: Contact): Chat {
  const language = () => (formatTag.value.startsWith(locale.value) ? formatTag.value : locale.value);
  const api = apiOf(origin, channel, language, (again) => visitor.token(again), contact);
  const visitor = new Visitor(kept, api);
  return new Chat(api, kept, visitor);
}

/** Waits until chat has told what the widget begins with, and asks ever more rarely: to a page that may not have it chat seems away. */
async function begun(chat: Chat): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await chat.start();
    } catch (error) {
      if (!mayPass(asProblem(error))) return new Promise(() => {});
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

function sheet(css: string): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}

/** What is typed here is no shortcut of the page. */
function keepKeys(shadow: ShadowRoot): void {
  for (const type of ["keydown", "keyup", "keypress"]) {
    shadow.addEventListener(type, (event) => event.stopPropagation());
  }
}

/** Light or dark: what the script asks for, else what the visitor's system says. */
function schemeOf(wanted: string | undefined) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const given = wanted === "light" || wanted === "dark" ? wanted : null;
  const scheme = signal<"light" | "dark">(given ?? (dark.matches ? "dark" : "light"));
  if (!given) {
    dark.addEventListener("change", ({ matches }) => {
      scheme.value = matches ? "dark" : "light";
    });
  }
  return scheme;
}

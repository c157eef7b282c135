/** What people and their messages are called on the page. */
import type { components } from "../api.gen.d.ts";
import type { DialogView } from "./lists.ts";
import { t } from "./texts.ts";

type OpenedText = components["schemas"]["OpenedText"];

/** A text, or what stands in for one that is erased or damaged. */
export function textOf({ state, text }: OpenedText): string {
  return state === "open" ? (text ?? "") : t(`text.${state}`);
}

/** The client's name, else "Visitor 2F7A" by the end of their id. */
export function clientName({ client, client_name }: Pick<DialogView, "client" | "client_name">): string {
  if (client_name?.state === "open" && client_name.text) return client_name.text;
  return t("visitor", { id: client.slice(-4).toUpperCase() });
}

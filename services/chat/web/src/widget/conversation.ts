/** A conversation as it is shown: days, messages and closes of a visitor's dialogs, in the order of time. */
import type { components } from "../api.gen.d.ts";
import type { Unsent } from "./outbox.ts";

type Schemas = components["schemas"];

export type Message = Omit<Schemas["TranscriptMessageView"], "operator">;
export type Close = Schemas["EndingView"];
/** A dialog, as far as it was read: up to its `version`. */
export type Transcript = Pick<
  Schemas["TranscriptView"],
  "dialog" | "state" | "operator_name" | "opened_at" | "closes" | "version"
> & { messages: readonly Message[] };

export type Item =
  | { kind: "day"; key: string; at: string }
  | { kind: "close"; key: string; at: string; by: Close["closed_by"]; name: string | null }
  | {
      kind: "message";
      key: string;
      at: string;
      mine: boolean;
      name: string | null;
      text: Message["text"];
      state: "sent" | "sending" | "waiting" | "refused";
      trouble?: string | undefined;
      /** The last of several by one author in one minute: it says when and by whom. */
      signs: boolean;
    };

type Shown = Extract<Item, { kind: "message" }>;

/** A dialog after reading further: what was read before stays, and nothing is in it twice. */
export function merged(before: Transcript | undefined, read: Transcript): Transcript {
  if (!before) return read;
  const newer = new Set(read.messages.map((each) => each.message));
  const messages = [...before.messages.filter((each) => !newer.has(each.message)), ...read.messages];
  return read.version < before.version ? { ...before, messages } : { ...read, messages };
}

/** What is shown: what was read, then `sent` (chat has it, and it was not read yet), then what waits. */
export function itemsOf(
  transcripts: readonly Transcript[],
  sent: readonly Message[],
  unsent: readonly Unsent[],
): Item[] {
  const read = transcripts.flatMap(itemsOfDialog);
  const known = new Set(read.map((item) => item.key));
  const own = sent.filter((each) => !known.has(each.message)).map(shown);
  const shownAlready = new Set([...known, ...own.map((item) => item.key)]);
  const waiting = inLine(unsent.filter((each) => !shownAlready.has(each.id)).map(queued));
  return withDays(signed([...read, ...own, ...waiting]));
}

function itemsOfDialog(dialog: Transcript): Item[] {
  const closes = dialog.closes.map((close) => closeItem(dialog, close));
  const items: Item[] = [...dialog.messages.map(shown), ...closes];
  // Sorting is stable: what was written in the moment of a close stands before it.
  return items.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function closeItem({ dialog, closes, operator_name }: Transcript, close: Close): Item {
  // Who has the dialog now has made its last close, if an operator did; who made those before is not told.
  const name = close === closes.at(-1) ? operator_name : null;
  const key = `${dialog} ${close.close_seq}`;
  return { kind: "close", key, at: close.closed_at, by: close.closed_by, name };
}

function shown(message: Message): Shown {
  const { message: key, posted_at: at, author, name, text } = message;
  return { kind: "message", key, at, mine: author === "client", name, text, state: "sent", signs: true };
}

function queued({ id, at, text, trouble, refused }: Unsent): Shown {
  const state = refused ? "refused" : trouble ? "waiting" : "sending";
  const whole = { state: "open", text } as const;
  return { kind: "message", key: id, at, mine: true, name: null, text: whole, state, trouble, signs: true };
}

/** Behind a message that waits, all others wait, too. */
function inLine(items: Shown[]): Shown[] {
  const stuck = items.findIndex((item) => item.state === "waiting");
  return items.map((item, at) =>
    stuck >= 0 && at > stuck && item.state === "sending" ? { ...item, state: "waiting" } : item,
  );
}

function signed(items: Item[]): Item[] {
  return items.map((item, at) => {
    const next = items[at + 1];
    if (item.kind !== "message" || next?.kind !== "message") return item;
    const together =
      item.mine === next.mine &&
      item.name === next.name &&
      item.state === next.state &&
      item.state !== "refused" &&
      Math.floor(Date.parse(item.at) / 60_000) === Math.floor(Date.parse(next.at) / 60_000);
    return together ? { ...item, signs: false } : item;
  });
}

function withDays(items: Item[]): Item[] {
  let day = "";
  return items.flatMap((item) => {
    const its = new Date(item.at).toDateString();
    if (its === day) return [item];
    day = its;
    return [{ kind: "day", key: `day ${its}`, at: item.at } as const, item];
  });
}

/** How many operators' messages were written after the moment `seen`. */
export function unread(transcripts: readonly Transcript[], seen: string): number {
  return operatorsMessages(transcripts).filter((each) => each.posted_at > seen).length;
}

/** All that operators wrote, the oldest first. */
export function operatorsMessages(transcripts: readonly Transcript[]): Message[] {
  return transcripts.flatMap(({ messages }) => messages.filter((each) => each.author === "operator"));
}

/** Whether something was written to the dialog since it was opened or reopened, and nobody has answered it. */
export function unanswered({ state, operator_name, messages }: Transcript): boolean {
  return state === "open" && operator_name === null && messages.at(-1)?.author === "client";
}

/** How many characters (code points) a message may have. */
export const LONGEST = 10_000;

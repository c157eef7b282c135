/** The dialogs of an operator's list: who waits, which are the operator's own, and which of them were closed. */
import type { components } from "../api.gen.d.ts";
import type { Message, Transcript } from "../timeline.ts";

export type DialogView = components["schemas"]["DialogView"];

export interface Lists {
  /** Nobody has taken them; who waits longest comes first. */
  waiting: readonly DialogView[];
  /** The operator's own that are open: unanswered ones first, the longest on top; then by time, the newest on top. */
  mine: readonly DialogView[];
  /** The operator's own that are closed, the last closed first. */
  closed: readonly DialogView[];
}

export const NO_DIALOGS: Lists = { waiting: [], mine: [], closed: [] };

export function arranged(views: Iterable<DialogView>, operator: string): Lists {
  const all = [...views];
  const own = all.filter((view) => !view.waiting && view.operator === operator);
  const open = own.filter((view) => view.state === "open");
  return {
    waiting: all
      .filter((view) => view.waiting && view.state === "open")
      .sort(by((view) => waitingSince(view))),
    mine: [
      ...open.filter((view) => view.waiting_since).sort(by((view) => waitingSince(view))),
      ...open.filter((view) => !view.waiting_since).sort(by(lastMoment, -1)),
    ],
    closed: own.filter((view) => view.state === "closed").sort(by((view) => view.since, -1)),
  };
}

/** Since when somebody waits who has perhaps written nothing yet. */
export function waitingSince(view: DialogView): string {
  return view.waiting_since ?? view.since;
}

/** When something was written last, or else when it was opened. */
export function lastMoment(view: DialogView): string {
  const written = view.last_message?.posted_at;
  return written && Date.parse(written) > Date.parse(view.since) ? written : view.since;
}

function by(moment: (view: DialogView) => string, way = 1) {
  return (one: DialogView, other: DialogView): number =>
    way * (Date.parse(moment(one)) - Date.parse(moment(other))) || (one.dialog < other.dialog ? -1 : 1);
}

/** Whether what the operator looks for is in the client's name or in an id. */
export function matches(view: DialogView, name: string, wanted: string): boolean {
  const plain = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();
  const sought = plain(wanted.trim());
  return [name, view.dialog, view.client].some((text) => plain(text).includes(sought));
}

/** The dialog as its transcript shows it, where that is newer than the list: lists follow a moment later. */
export function asOf(view: DialogView, transcript: Transcript | undefined): DialogView {
  if (!transcript || transcript.version <= view.version) return view;
  const last = whole(transcript).at(-1);
  const unanswered = unansweredIn(transcript);
  return {
    ...view,
    state: transcript.state,
    waiting: transcript.operator === null,
    operator: transcript.operator,
    operator_name: transcript.operator_name,
    since: sinceOf(transcript),
    closes: transcript.closes.length,
    last_message: last ?? view.last_message ?? null,
    unanswered: unanswered.length,
    waiting_since: transcript.state === "open" ? (unanswered[0]?.posted_at ?? null) : null,
    version: transcript.version,
  };
}

/** A dialog that no list holds (yet), as its transcript shows it. */
export function viewOf(transcript: Transcript): DialogView {
  const { dialog, channel, client, locale, opened_at } = transcript;
  const bare = { dialog, channel, client, locale, opened_at, client_name: null, last_message: null };
  const rest = { state: "open", waiting: false, operator: null, since: opened_at, closes: 0 } as const;
  return asOf({ ...bare, ...rest, unanswered: 0, version: -1 }, transcript);
}

function whole({ messages, sent }: Transcript): readonly Message[] {
  return [...messages, ...sent];
}

function unansweredIn(transcript: Transcript): readonly Message[] {
  const messages = whole(transcript);
  const reply = messages.findLastIndex((message) => message.author === "operator");
  return messages.slice(reply + 1);
}

function sinceOf({ state, closes, opened_at }: Transcript): string {
  const last = closes.at(-1);
  return (state === "closed" ? last?.closed_at : last?.reopened_at) ?? opened_at;
}

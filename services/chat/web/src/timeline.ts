/** What was written in a dialog, in order, and what happened to it in between. */
import type { components } from "./api.gen.d.ts";

type TranscriptView = components["schemas"]["TranscriptView"];
type Ending = components["schemas"]["EndingView"];
export type Message = components["schemas"]["TranscriptMessageView"];

/** All pages of a dialog that were read; `version` is up to where it is whole. */
export interface Transcript extends Omit<TranscriptView, "next_cursor"> {
  /** Own messages that the service has accepted since; they belong to the end until they are read. */
  sent: readonly Message[];
}

/** What is known of a dialog, with the pages that were read after it. */
export function merged(known: Transcript | undefined, pages: readonly TranscriptView[]): Transcript {
  const last = pages.at(-1);
  if (!last) throw new Error("There is nothing to merge");
  const { next_cursor: _, ...newest } = last;
  const read = pages.flatMap((page) => page.messages);
  const ids = new Set(read.map((message) => message.message));
  const isOlder = (message: Message): boolean => !ids.has(message.message);
  return {
    ...newest,
    messages: [...(known?.messages.filter(isOlder) ?? []), ...read],
    sent: known?.sent.filter(isOlder) ?? [],
  };
}

/** The transcript with a message that the service has just accepted. */
export function withSent(known: Transcript, message: Message): Transcript {
  const there = [...known.messages, ...known.sent].some((each) => each.message === message.message);
  return there ? known : { ...known, sent: [...known.sent, message] };
}

export type Entry =
  | { kind: "day"; at: string; key: string }
  | { kind: "message"; at: string; key: string; message: Message; last: boolean }
  | { kind: "closed"; at: string; key: string; ending: Ending }
  | { kind: "reopened"; at: string; key: string };

/**
 * Messages, closes and reopenings in the order of time, with a line where a day begins. A message is the `last` of
 * a run if what follows it is of somebody else, or comes five minutes later: the time stands under that one.
 */
export function timeline(transcript: Transcript, day: (at: string) => string): Entry[] {
  const endings = transcript.closes.flatMap((ending): Entry[] => [
    { kind: "closed", at: ending.closed_at, key: `closed ${ending.close_seq}`, ending },
    ...(ending.reopened_at
      ? [{ kind: "reopened" as const, at: ending.reopened_at, key: `reopened ${ending.close_seq}` }]
      : []),
  ]);
  const messages = [...transcript.messages, ...transcript.sent].map((message): Entry => {
    return { kind: "message", at: message.posted_at, key: message.message, message, last: true };
  });
  const entries: Entry[] = [];
  let next = 0;
  for (const entry of messages) {
    for (let ending = endings[next]; ending && ending.at <= entry.at; ending = endings[next]) {
      entries.push(ending);
      next += 1;
    }
    const before = entries.at(-1);
    if (before?.kind === "message" && entry.kind === "message") {
      before.last = !isRun(before.message, entry.message);
    }
    entries.push(entry);
  }
  return withDays([...entries, ...endings.slice(next)], day);
}

const RUN_MS = 5 * 60_000;

function isRun(one: Message, next: Message): boolean {
  const author = (message: Message): string => `${message.author} ${message.operator ?? ""}`;
  return author(one) === author(next) && Date.parse(next.posted_at) - Date.parse(one.posted_at) < RUN_MS;
}

function withDays(entries: Entry[], day: (at: string) => string): Entry[] {
  let today = "";
  return entries.flatMap((entry): Entry[] => {
    const its = day(entry.at);
    if (its === today) return [entry];
    today = its;
    return [{ kind: "day", at: entry.at, key: `day ${its}` }, entry];
  });
}

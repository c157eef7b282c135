/** What was read of the dialog in the page's address, a page of messages at a time: each reading is on record. */
import { client, data } from "@candor/ui/api.ts";
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { token } from "@candor/ui/session.ts";
import { signal } from "@preact/signals";
import type { components, paths } from "../api.gen.d.ts";
import { merged, type Transcript } from "../timeline.ts";

type TranscriptView = components["schemas"]["TranscriptView"];

const api = client<paths>("", token);

export const transcript = signal<Transcript | null>(null);
/** Where the messages go on that were not read yet; null if all were. */
export const next = signal<string | null>(null);
export const problem = signal<Problem | null>(null);
/** What the channel is called; its id until that is known. */
export const channelName = signal("");

/** Reads the first messages of `dialog`, or those that follow. */
export async function read(dialog: string): Promise<void> {
  try {
    const query = next.peek() ? { cursor: next.peek() } : {};
    const page = await data(api.GET("/v1/dialogs/{dialog}", { params: { path: { dialog }, query } }));
    if (!page) return;
    transcript.value = soFar(merged(transcript.peek() ?? undefined, [page]), page);
    next.value = page.next_cursor;
    problem.value = null;
    if (!channelName.peek()) await readName(page.channel);
  } catch (error) {
    problem.value = asProblem(error);
  }
}

/** Without the closes that come after messages which were not read yet. */
export function soFar(whole: Transcript, { next_cursor, messages }: TranscriptView): Transcript {
  const last = messages.at(-1);
  if (!next_cursor || !last) return whole;
  return { ...whole, closes: whole.closes.filter(({ closed_at }) => closed_at <= last.posted_at) };
}

async function readName(channel: string): Promise<void> {
  channelName.value = channel;
  const found = await data(api.GET("/v1/channels")).catch(() => null);
  channelName.value = found?.channels.find((each) => each.channel === channel)?.name ?? channel;
}

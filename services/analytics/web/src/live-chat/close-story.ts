/** Rating's story of the close in the drawer: why its client was asked, and the texts of the form as they saw it. */
import { client, data } from "@candor/ui/api.ts";
import { asProblem } from "@candor/ui/problems.ts";
import { token } from "@candor/ui/session.ts";
import { settings } from "@candor/ui/settings.ts";
import { signal } from "@preact/signals";
import type { components, paths } from "../rating.gen.d.ts";
import type { Panel } from "./data.ts";

export type CloseStory = components["schemas"]["CloseStory"];

const unread: Panel<CloseStory> = { data: null, readAt: null, problem: null };
export const story = signal(unread);
/** The close whose story is shown; who reads one is recorded, so that none is read that nobody needs. */
let needed: string | null = null;

/** Reads a story, unless it is there or under way. */
export function needStory(close: string): void {
  if (needed === close && !story.peek().problem) return;
  if (needed !== close) story.value = unread;
  needed = close;
  void readStory();
}

export function leaveStory(): void {
  needed = null;
  story.value = unread;
}

/** Reads the story that is needed; rating tells it, in development at an origin of its own. */
export async function readStory(): Promise<void> {
  const close = needed;
  if (!close) return;
  const { urls } = settings<{ urls: Record<"rating", string> }>();
  const api = client<paths>(urls.rating, token);
  try {
    const read = await data(api.GET("/v1/closes/{close}/story", { params: { path: { close } } }));
    if (needed === close) story.value = { data: read, readAt: new Date(), problem: null };
  } catch (error) {
    if (needed === close) story.value = { ...story.peek(), problem: asProblem(error) };
  }
}

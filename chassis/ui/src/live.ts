/** Follows what changes: server-sent events, read by `fetch` so that the token stays in a header. */
import { createParser } from "eventsource-parser";
import type { TokenSource } from "./api.ts";
import { type Problem, problemOf } from "./problems.ts";

/** Without a byte for this long (a service sends a comment every 15 s) the connection is given up. */
const SILENCE_MS = 40_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

export type Connection = "connecting" | "live" | "offline";

interface Following<T> {
  address: string;
  token: TokenSource;
  /** Gets the present positions whenever they change, and once after each connection. */
  changed: (positions: T) => void;
  /** Hears whether changes arrive at once; a refusal ends the following and is given here. */
  state: (connection: Connection, refusal?: Problem) => void;
}

/** Follows until the function that it returns is called; reconnects by itself, at random intervals. */
export function follow<T>(following: Following<T>): () => void {
  const stop = new AbortController();
  void connected(following, stop.signal);
  return () => stop.abort();
}

async function connected<T>(following: Following<T>, stop: AbortSignal): Promise<void> {
  let failures = 0;
  let refused = false;
  while (!stop.aborted) {
    following.state(navigator.onLine ? "connecting" : "offline");
    const attempt = new AbortController();
    const end = (): void => attempt.abort();
    stop.addEventListener("abort", end);
    addEventListener("offline", end);
    try {
      const response: Response = await fetch(
        following.address,
        await request(following.token, refused, attempt.signal),
      );
      if (response.ok) {
        refused = false;
        await read(response, following, attempt, () => {
          failures = 0;
        });
      } else {
        const problem = await problemOf(response);
        if (response.status !== 401 && response.status < 500 && response.status !== 429) {
          return following.state("offline", problem);
        }
        if (response.status === 401 && refused) return following.state("offline", problem);
        refused = response.status === 401;
      }
    } catch {
      // The network broke, or the connection was given up: the loop goes on.
    } finally {
      stop.removeEventListener("abort", end);
      removeEventListener("offline", end);
    }
    failures += 1;
    if (stop.aborted) return;
    following.state(navigator.onLine ? "connecting" : "offline");
    await pause(failures, stop);
  }
}

async function request(token: TokenSource, again: boolean, signal: AbortSignal): Promise<RequestInit> {
  const bearer = await token(again);
  const headers = { Accept: "text/event-stream", ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) };
  return { headers, signal, cache: "no-store" };
}

async function read<T>(response: Response, to: Following<T>, attempt: AbortController, heard: () => void) {
  const parser = createParser({
    onEvent: ({ data }) => {
      heard();
      to.state("live");
      to.changed(JSON.parse(data) as T);
    },
  });
  const decoder = new TextDecoder();
  let silence = setTimeout(() => attempt.abort(), SILENCE_MS);
  try {
    // Not every browser can iterate over a body.
    const reader = response.body?.getReader();
    for (let got = await reader?.read(); got && !got.done; got = await reader?.read()) {
      clearTimeout(silence);
      silence = setTimeout(() => attempt.abort(), SILENCE_MS);
      parser.feed(decoder.decode(got.value, { stream: true }));
    }
  } finally {
    clearTimeout(silence);
  }
}

/** Waits a random part of a time that doubles with each failure; less if the network comes back or it is stopped. */
function pause(failures: number, stop: AbortSignal): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      removeEventListener("online", over);
      stop.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, navigator.onLine ? Math.random() * longest : LONGEST_PAUSE_MS);
    addEventListener("online", over);
    stop.addEventListener("abort", over);
  });
}

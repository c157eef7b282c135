import { describe, expect, test } from "vitest";
import type { components } from "./api.gen.d.ts";
import { type Message, merged, type Transcript, timeline, withSent } from "./timeline.ts";

type Page = components["schemas"]["TranscriptView"];

const at = (minute: number): string => `2026-11-23T09:${String(minute).padStart(2, "0")}:00Z`;

function message(id: string, minute = 0, operator: string | null = null): Message {
  const author = operator ? "operator" : "client";
  return {
    message: id,
    author,
    operator,
    name: operator,
    kind: "person",
    posted_at: at(minute),
    text: { state: "open", text: id },
  };
}

function page(version: number, ...messages: Message[]): Page {
  return {
    ...{ dialog: "d", channel: "c", client: "x", locale: null, state: "open", operator: "mira", version },
    ...{ operator_name: "Mira", opened_at: at(0), closes: [], messages, next_cursor: null },
  };
}

const ids = ({ messages, sent }: Transcript): string[] => [...messages, ...sent].map((each) => each.message);

describe("merging what is read", () => {
  test("pages follow each other; the last one says how far", () => {
    const whole = merged(undefined, [page(4, message("a")), page(6, message("b"))]);
    expect(ids(whole)).toEqual(["a", "b"]);
    expect(whole.version).toBe(6);
  });

  test("what is read again stands there once", () => {
    const known = merged(undefined, [page(4, message("a"), message("b"))]);
    expect(ids(merged(known, [page(5, message("b"), message("c"))]))).toEqual(["a", "b", "c"]);
  });

  test("an own message stands at the end until it is read, and then in its place", () => {
    const known = withSent(merged(undefined, [page(4, message("a"))]), message("own", 2, "mira"));
    expect(ids(known)).toEqual(["a", "own"]);
    const before = merged(known, [page(5, message("b", 1))]);
    expect(ids(before)).toEqual(["a", "b", "own"]);
    const after = merged(before, [page(6, message("own", 2, "mira"), message("c", 3))]);
    expect(ids(after)).toEqual(["a", "b", "own", "c"]);
    expect(withSent(after, message("own"))).toBe(after);
  });
});

describe("the timeline", () => {
  const day = (moment: string): string => moment.slice(0, 10);

  test("closes and reopenings stand where they happened", () => {
    const ending = { close_seq: 1, closed_at: at(2), closed_by: "client", reopened_at: at(4) } as const;
    const last = { close_seq: 2, closed_at: at(9), closed_by: "operator", reopened_at: null } as const;
    const whole = merged(undefined, [
      { ...page(9, message("a", 1), message("b", 5)), closes: [ending, last] },
    ]);
    expect(timeline(whole, day).map(({ key }) => key)).toEqual([
      "day 2026-11-23",
      "a",
      "closed 1",
      "reopened 1",
      "b",
      "closed 2",
    ]);
  });

  test("the time stands under the last message of a run", () => {
    const messages = [message("a", 1), message("b", 2), message("c", 20), message("d", 21, "mira")];
    const entries = timeline(merged(undefined, [page(5, ...messages)]), day);
    const last = entries.flatMap((entry) => (entry.kind === "message" && entry.last ? [entry.key] : []));
    expect(last).toEqual(["b", "c", "d"]);
  });

  test("a new day is said", () => {
    const next = { ...message("b"), posted_at: "2026-11-24T00:00:00Z" };
    const entries = timeline(merged(undefined, [page(5, message("a"), next)]), day);
    expect(entries.map(({ key }) => key)).toEqual(["day 2026-11-23", "a", "day 2026-11-24", "b"]);
  });
});

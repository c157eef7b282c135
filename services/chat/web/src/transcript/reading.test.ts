import { expect, test } from "vitest";
import type { components } from "../api.gen.d.ts";
import { merged } from "../timeline.ts";
import { soFar } from "./reading.ts";

type Page = components["schemas"]["TranscriptView"];

const at = (minute: number): string => `2026-11-23T09:0${minute}:00Z`;

function page(next_cursor: string | null, minute: number): Page {
  const text = { state: "open", text: "Hello" } as const;
  return {
    ...{ dialog: "d", channel: "c", client: "x", locale: null, state: "closed", operator: null, version: 9 },
    ...{ operator_name: null, opened_at: at(0), next_cursor },
    closes: [2, 4].map((closed, before) => {
      return { close_seq: before + 1, closed_at: at(closed), closed_by: "client", reopened_at: null };
    }),
    messages: [
      {
        message: `m${minute}`,
        author: "client",
        operator: null,
        name: null,
        kind: "person",
        posted_at: at(minute),
        text,
      },
    ],
  };
}

test("a close stands there once the messages before it were read", () => {
  const closes = (read: Page): number[] =>
    soFar(merged(undefined, [read]), read).closes.map(({ close_seq }) => close_seq);
  expect(closes(page("next", 1))).toEqual([]);
  expect(closes(page("next", 3))).toEqual([1]);
  expect(closes(page(null, 3))).toEqual([1, 2]);
});

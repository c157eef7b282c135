import { load } from "@candor/ui/i18n.ts";
import { beforeAll, expect, test, vi } from "vitest";
import type { CloseStory } from "./close-story.ts";
import { sendingsOf } from "./sendings.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });
beforeAll(() => load("en"));

type Entry = CloseStory["timeline"][number];

const happened = (kind: string, way: Entry["way"] = null, failure: string | null = null): Entry => ({
  kind,
  at: "18:10",
  way,
  failure,
  reason: null,
  due_at: null,
  expires_at: null,
  score: null,
  with_comment: null,
  change: null,
});

test("each mail and message of a form is told, in order, and why one can't be sent", () => {
  const timeline = [
    happened("registered"),
    happened("offered"),
    happened("delivery_failed", "webhook", "webhook_gone"),
    happened("sent", "email"),
    happened("reminded"),
    happened("given"),
  ];
  expect(sendingsOf(timeline, (at) => at)).toEqual([
    "Can’t be sent by webhook, 18:10: the endpoint is gone",
    "Sent by e-mail, 18:10",
    "Reminded by e-mail, 18:10",
  ]);
});

test("a failure that only a newer rating knows has no reason, and is not hidden", () => {
  expect(sendingsOf([happened("delivery_failed", "email", "moon_phase")], (at) => at)).toEqual([
    "Can’t be sent by e-mail, 18:10: for another reason",
  ]);
});

import { describe, expect, test } from "vitest";
import type { Message, Transcript } from "../timeline.ts";
import { arranged, asOf, type DialogView, matches } from "./lists.ts";

const at = (minute: number): string => `2026-11-23T09:${String(minute).padStart(2, "0")}:00Z`;

function view(dialog: string, more: Partial<DialogView> = {}): DialogView {
  return {
    ...{ dialog, channel: "course-a", client: "3f1c", locale: null, state: "open", waiting: false },
    ...{ operator: "mira", opened_at: at(0), since: at(0), closes: 0, unanswered: 0, version: 3 },
    ...more,
  };
}

function written(minute: number): Partial<DialogView> {
  const text = { state: "open", text: "Hello" } as const;
  return {
    last_message: { author: "operator", operator: "mira", name: "Mira", posted_at: at(minute), text },
  };
}

function message(id: string, author: "client" | "operator", minute: number): Message {
  const operator = author === "operator" ? "mira" : null;
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

function transcript(more: Partial<Transcript> = {}): Transcript {
  return {
    ...{ dialog: "d", channel: "course-a", client: "3f1c", locale: null, state: "open", operator: "mira" },
    ...{ operator_name: "Mira", opened_at: at(0), closes: [], messages: [], sent: [], version: 5 },
    ...more,
  };
}

const ids = (views: readonly DialogView[]): string[] => views.map(({ dialog }) => dialog);

describe("how the list is arranged", () => {
  test("who waits longest is on top, by what was written, else by the opening", () => {
    const { waiting } = arranged(
      [
        view("new", { waiting: true, operator: null, waiting_since: at(9) }),
        view("silent", { waiting: true, operator: null, since: at(5) }),
        view("old", { waiting: true, operator: null, waiting_since: at(1) }),
        view("gone", { waiting: true, operator: null, state: "closed" }),
      ],
      "mira",
    );
    expect(ids(waiting)).toEqual(["old", "silent", "new"]);
  });

  test("own dialogs: unanswered first, the longest on top; then the newest on top", () => {
    const { mine } = arranged(
      [
        view("answered-early", written(10)),
        view("answered-late", written(20)),
        view("waits-short", { waiting_since: at(30) }),
        view("waits-long", { waiting_since: at(2) }),
        view("of-another", { operator: "ann", waiting_since: at(1) }),
      ],
      "mira",
    );
    expect(ids(mine)).toEqual(["waits-long", "waits-short", "answered-late", "answered-early"]);
  });

  test("own closed dialogs: the last closed on top", () => {
    const closed = { state: "closed" } as const;
    const all = [
      view("a", { ...closed, since: at(1) }),
      view("b", { ...closed, since: at(2) }),
      view("c", { ...closed, operator: "ann" }),
    ];
    expect(ids(arranged(all, "mira").closed)).toEqual(["b", "a"]);
  });
});

describe("a transcript that is newer than the list", () => {
  test("says whose it is, who waits, and what was written last", () => {
    const waiting = view("d", { waiting: true, operator: null, version: 2 });
    const messages = [message("m1", "operator", 1), message("m2", "client", 2), message("m3", "client", 3)];
    const now = asOf(waiting, transcript({ messages }));
    expect(now).toMatchObject({
      waiting: false,
      operator: "mira",
      unanswered: 2,
      waiting_since: at(2),
      version: 5,
    });
    expect(now.last_message?.posted_at).toBe(at(3));
  });

  test("nobody waits in a closed dialog", () => {
    const ending = { close_seq: 1, closed_at: at(7), closed_by: "operator", reopened_at: null } as const;
    const messages = [message("m1", "client", 1)];
    const now = asOf(view("d"), transcript({ state: "closed", closes: [ending], messages }));
    expect(now).toMatchObject({ state: "closed", since: at(7), waiting_since: null, closes: 1 });
  });

  test("does not count where the list knows more", () => {
    const newer = view("d", { version: 9 });
    expect(asOf(newer, transcript())).toBe(newer);
  });
});

test("a dialog is found by name without accents and case, and by ids", () => {
  const one = view("d-7f3a");
  expect(matches(one, "Zoë Ångström", "zoe ang")).toBe(true);
  expect(matches(one, "Zoë", " 7F3A ")).toBe(true);
  expect(matches(one, "Zoë", "3f1c")).toBe(true);
  expect(matches(one, "Zoë", "ann")).toBe(false);
});

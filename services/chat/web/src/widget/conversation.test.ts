import { describe, expect, test } from "vitest";
import { linked } from "../linked.ts";
import { itemsOf, type Message, merged, type Transcript, unanswered, unread } from "./conversation.ts";

function message(id: string, at: string, name: string | null = null): Message {
  const text = { state: "open", text: id } as const;
  return {
    message: id,
    author: name ? "operator" : "client",
    name,
    kind: "person",
    posted_at: `2026-11-26T${at}Z`,
    text,
  };
}

const OPEN: Transcript = {
  dialog: "d1",
  state: "open",
  operator_name: null,
  opened_at: "2026-11-26T08:00:00Z",
  closes: [],
  messages: [message("m1", "08:00:01"), message("m2", "08:01:00", "Mira")],
  version: 3,
};
const CLOSED: Transcript = {
  ...OPEN,
  state: "closed",
  operator_name: "Mira",
  closes: [{ close_seq: 1, closed_at: "2026-11-26T08:05:00Z", closed_by: "operator", reopened_at: null }],
  version: 4,
};
const shown = (items: ReturnType<typeof itemsOf>) => items.map((item) => item.key);

describe("reading further", () => {
  test("adds what is new, and has nothing twice whatever comes again", () => {
    const further = { ...CLOSED, messages: [message("m2", "08:01:00", "Mira"), message("m3", "08:02:00")] };
    const all = merged(merged(OPEN, further), further);
    expect(all.messages.map((each) => each.message)).toEqual(["m1", "m2", "m3"]);
    expect([all.state, all.version]).toEqual(["closed", 4]);
  });

  test("keeps the newer state when an older response comes later", () => {
    expect(merged(CLOSED, { ...OPEN, messages: [] })).toMatchObject({ state: "closed", version: 4 });
  });
});

describe("what is shown", () => {
  test("a message is shown once while it goes from unsent over sent to read", () => {
    const unsent = [{ id: "m3", text: "m3", at: "2026-11-26T08:02:00Z" }];
    const sent = [message("m3", "08:02:01")];
    const read = { ...OPEN, messages: [...OPEN.messages, message("m3", "08:02:01")] };
    const keys = ["m1", "m2", "m3"];
    for (const [transcript, own, waiting] of [
      [OPEN, [], unsent],
      [OPEN, sent, unsent],
      [OPEN, sent, []],
      [read, sent, unsent],
      [read, [], []],
    ] as const) {
      expect(shown(itemsOf([transcript], own, waiting)).slice(1)).toEqual(keys);
    }
  });

  test("a close stands between what was written before and after it, with the name of who made the last", () => {
    const reopened = { ...CLOSED, messages: [...OPEN.messages, message("m3", "08:06:00")] };
    const items = itemsOf([reopened], [], []);
    expect(shown(items).slice(1)).toEqual(["m1", "m2", "d1 1", "m3"]);
    expect(items[3]).toMatchObject({ by: "operator", name: "Mira" });
  });

  test("only the last of a minute signs, and each day begins with its date", () => {
    const messages = [message("a", "08:00:01"), message("b", "08:00:20"), message("c", "08:01:00")];
    const later = { ...message("d", "08:00:00"), posted_at: "2026-11-28T08:00:00Z" };
    const items = itemsOf([{ ...OPEN, messages: [...messages, later] }], [], []);
    expect(items.map((item) => item.kind)).toEqual([
      "day",
      "message",
      "message",
      "message",
      "day",
      "message",
    ]);
    expect(items.map((item) => "signs" in item && item.signs)).toEqual([
      false,
      false,
      true,
      true,
      false,
      true,
    ]);
  });

  test("a message that waits says so, as do those behind it, and a refused one why", () => {
    const at = "2026-11-26T09:00:00Z";
    const items = itemsOf(
      [],
      [],
      [
        { id: "a", text: "a", at },
        { id: "b", text: "b", at, trouble: "offline" },
        { id: "c", text: "c", at, trouble: "channel-closed", refused: true },
        { id: "d", text: "d", at },
      ],
    );
    const states = items.flatMap((item) => (item.kind === "message" ? [item.state] : []));
    expect(states).toEqual(["sending", "waiting", "refused", "waiting"]);
  });
});

test("unread are operators' messages after what was seen", () => {
  expect([unread([OPEN], ""), unread([OPEN], "2026-11-26T08:01:00Z")]).toEqual([1, 0]);
});

test("nobody has answered as long as nobody has taken the dialog and the client wrote last", () => {
  const waiting = { ...OPEN, messages: [message("m1", "08:00:01")] };
  expect([waiting, OPEN, { ...waiting, operator_name: "Mira" }, CLOSED].map(unanswered)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test("addresses are parted from what stands around them", () => {
  expect(linked("See https://a.example/b?c=1, or (http://b.example).")).toEqual([
    "See ",
    "https://a.example/b?c=1",
    ", or (",
    "http://b.example",
    ").",
  ]);
  expect(linked("javascript:alert(1) ftp://x")).toHaveLength(1);
});

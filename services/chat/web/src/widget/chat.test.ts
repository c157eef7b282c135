import { Problem } from "@candor/ui/problems.ts";
import { expect, test, vi } from "vitest";
import type { Api, Versions } from "./api.ts";
import { Chat } from "./chat.ts";
import { memory } from "./memory.ts";
import { storage } from "./storage.fake.ts";
import type { Visitor } from "./visitor.ts";

/** A service with one dialog; `versions` are those that a list tells, and readings wait until `answer`. */
function service() {
  const lists: ((version: number | Problem) => void)[] = [];
  let changed: (versions: Versions) => void = () => {};
  const api = {
    settings: async () => ({}),
    dialogs: () =>
      new Promise((resolve, reject) =>
        lists.push((told) =>
          told instanceof Problem ? reject(told) : resolve([{ dialog: "d1", version: told }]),
        ),
      ),
    read: async (dialog: string, after: number) => ({
      dialog,
      version: after + 1,
      opened_at: "2026-11-26T09:00:00Z",
      closes: [],
      messages: [],
    }),
    follow: (heard: typeof changed) => {
      changed = heard;
      return () => {};
    },
  };
  return {
    api: api as unknown as Api,
    tells: (version: number) => changed({ dialogs: { d1: version } }),
    lists,
  };
}

test("what could not be read is read again: the stream goes on and tells nothing twice", async () => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { addEventListener: () => {}, visibilityState: "visible" });
  vi.stubGlobal("addEventListener", () => {});
  const { api, tells, lists } = service();
  const chat = new Chat(api, memory("b.", storage), { client: "c1" } as Visitor);
  await chat.start();

  tells(1);
  lists.shift()?.(new Problem("unavailable", 503));
  await vi.advanceTimersByTimeAsync(6_000);
  lists.shift()?.(1);

  await vi.waitFor(() => expect(chat.dialog.value?.version).toBe(1));
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("what changes while the dialogs are being read is read after that, though it is told once", async () => {
  vi.stubGlobal("document", { addEventListener: () => {}, visibilityState: "visible" });
  vi.stubGlobal("addEventListener", () => {});
  const { api, tells, lists } = service();
  const own = memory("a.", storage);
  const chat = new Chat(api, own, { client: "c1" } as Visitor);
  await chat.start();

  tells(1);
  tells(2);
  lists.shift()?.(1);
  await vi.waitFor(() => expect(lists).toHaveLength(1));
  lists.shift()?.(2);

  await vi.waitFor(() => expect(chat.dialog.value?.version).toBe(2));
  vi.unstubAllGlobals();
});

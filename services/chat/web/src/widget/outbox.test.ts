import { Problem } from "@candor/ui/problems.ts";
import { describe, expect, test, vi } from "vitest";
import { memory } from "./memory.ts";
import { Outbox, type Unsent } from "./outbox.ts";
import { storage } from "./storage.fake.ts";

const NOW = new Date("2026-11-26T09:00:00Z");

/** An outbox over `area`; a failed message waits until `again` is called. */
function outboxOver(area: Storage, deliver: (message: Unsent) => Promise<void>) {
  let again = (): void => {};
  const pause = (_: number, wake: (now: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      again = resolve;
      wake(resolve);
    });
  return {
    outbox: new Outbox(
      memory("a.", () => area),
      deliver,
      pause,
    ),
    again: () => again(),
  };
}

describe("an outbox", () => {
  test("sends in the order of writing, one after the other, and forgets what was sent", async () => {
    const sent: string[] = [];
    const { outbox } = outboxOver(storage(), async ({ text }) => void sent.push(text));
    for (const text of ["one", "two", "three"]) outbox.add(text, text, NOW);
    await vi.waitFor(() => expect(outbox.messages.value).toEqual([]));
    expect(sent).toEqual(["one", "two", "three"]);
  });

  test("keeps the order of writing though the clock goes back", async () => {
    const sent: string[] = [];
    const { outbox } = outboxOver(storage(), async ({ text }) => void sent.push(text));
    for (const [at, text] of ["one", "two", "three"].entries()) {
      outbox.add(text, text, new Date(NOW.getTime() - 60_000 * at));
    }
    await vi.waitFor(() => expect(outbox.messages.value).toEqual([]));
    expect(sent).toEqual(["one", "two", "three"]);
  });

  test("holds what comes later behind a message that fails, and sends it again with the same id", async () => {
    const tried: string[] = [];
    let network = false;
    const { outbox, again } = outboxOver(storage(), async ({ id }) => {
      tried.push(id);
      if (!network) throw new Problem("offline");
    });
    outbox.add("a", "one", NOW);
    outbox.add("b", "two", NOW);
    await vi.waitFor(() => expect(outbox.find("a")?.trouble).toBe("offline"));
    expect(tried).toEqual(["a"]);
    network = true;
    again();
    await vi.waitFor(() => expect(outbox.messages.value).toEqual([]));
    expect(tried).toEqual(["a", "a", "b"]);
  });

  test("keeps a refused message, and sends the next ones, until somebody asks for it again", async () => {
    let refuses = true;
    const sent: string[] = [];
    const { outbox } = outboxOver(storage(), async ({ id }) => {
      if (id === "a" && refuses) throw new Problem("channel-closed", 409);
      sent.push(id);
    });
    outbox.add("a", "one", NOW);
    outbox.add("b", "two", NOW);
    await vi.waitFor(() => expect(sent).toEqual(["b"]));
    expect(outbox.find("a")).toMatchObject({ refused: true, trouble: "channel-closed" });
    refuses = false;
    outbox.again("a");
    await vi.waitFor(() => expect(sent).toEqual(["b", "a"]));
  });

  test("sends after a reload what was not sent before, to the dialog that it was sent to", async () => {
    const area = storage();
    const before = outboxOver(area, async (message) => {
      before.outbox.put({ ...message, dialog: "d1" });
      throw new Problem("unavailable", 503);
    });
    before.outbox.add("a", "one", NOW);
    await vi.waitFor(() => expect(before.outbox.find("a")?.trouble).toBe("unavailable"));

    const sent: Unsent[] = [];
    const after = outboxOver(area, async (message) => void sent.push(message));
    await after.outbox.flush();
    expect(sent).toMatchObject([{ id: "a", dialog: "d1" }]);
  });

  test("does not send what another tab has sent meanwhile", async () => {
    const area = storage();
    const sent: string[] = [];
    const { outbox } = outboxOver(area, async ({ id }) => void sent.push(id));
    area.setItem("a.unsent.x", JSON.stringify({ id: "x", text: "one", at: NOW.toISOString() }));
    outbox.read();
    area.removeItem("a.unsent.x");
    await outbox.flush();
    expect(sent).toEqual([]);
  });
});

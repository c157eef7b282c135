import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Connection, follow } from "./live.ts";

const page = new EventTarget();

/** A stream that tells `positions` and ends. */
const told = (...positions: object[]): Response =>
  new Response(positions.map((each) => `event: changed\ndata: ${JSON.stringify(each)}\n\n`).join(""));
const refusal = (status: number): Response => Response.json({ type: "/problems/no" }, { status });

/** A stream that says nothing until it is given up. */
const silent = (signal: AbortSignal): Response =>
  new Response(
    new ReadableStream({
      start: (stream) => signal.addEventListener("abort", () => stream.error(new Error("given up"))),
    }),
  );

/** Follows a service whose responses are these, in turn; later ones are silent. */
function followed(...responses: Response[]) {
  const sent: (string | null)[] = [];
  const asked: (boolean | undefined)[] = [];
  const heard: object[] = [];
  const states: string[] = [];
  vi.stubGlobal("fetch", async (_: string, { headers, signal }: { headers: object; signal: AbortSignal }) => {
    sent.push(new Headers(Object.entries(headers)).get("authorization"));
    return responses.shift() ?? silent(signal);
  });
  const stop = follow<object>({
    address: "/changes",
    token: async (again) => {
      asked.push(again);
      return again ? "new" : "old";
    },
    changed: (positions) => heard.push(positions),
    state: (connection: Connection, problem) => states.push(problem ? `refused ${problem.code}` : connection),
  });
  return { sent, asked, heard, states, stop };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", { onLine: true });
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("tells the positions of each connection, the first ones too, and connects again when one ends", async () => {
  const { heard, sent, states, stop } = followed(told({ a: 1 }, { a: 2 }), told({ a: 2 }));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(heard).toEqual([{ a: 1 }, { a: 2 }, { a: 2 }]);
  expect(sent).toEqual(["Bearer old", "Bearer old", "Bearer old"]);
  expect(states).toContain("live");
  stop();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(sent).toHaveLength(3);
});

test("asks for another token when one was refused, and ends when that is refused, too", async () => {
  const { asked, sent, states } = followed(refusal(401), told({ a: 1 }), refusal(401), refusal(401));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual([false, true, false, true]);
  expect(sent.slice(0, 2)).toEqual(["Bearer old", "Bearer new"]);
  expect(states.at(-1)).toBe("refused no");
});

test("goes on after a failure that may pass, and ends with one that doesn't", async () => {
  const { heard, sent, states } = followed(refusal(503), refusal(429), told({ a: 1 }), refusal(403));
  await vi.advanceTimersByTimeAsync(60_000);
  expect([heard, sent.length, states.at(-1)]).toEqual([[{ a: 1 }], 4, "refused no"]);
});

test("gives a connection up that is silent for longer than a service is", async () => {
  const { sent, stop } = followed();
  await vi.advanceTimersByTimeAsync(39_000);
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(sent).toHaveLength(2);
  stop();
});

test("is offline without a network, and connects as soon as it is back", async () => {
  const { sent, states, stop } = followed();
  await vi.advanceTimersByTimeAsync(0);
  vi.stubGlobal("navigator", { onLine: false });
  page.dispatchEvent(new Event("offline"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect([states.at(-1), sent.length]).toEqual(["offline", 1]);
  vi.stubGlobal("navigator", { onLine: true });
  page.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toHaveLength(2);
  stop();
});

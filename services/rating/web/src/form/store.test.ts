import { Problem } from "@candor/ui/problems.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { aForm } from "./builders.ts";
import { type Draft, EMPTY } from "./draft.ts";
import type { Answered, Form, Sent } from "./form.ts";
import { type Calls, FormStore } from "./store.ts";

vi.stubGlobal("navigator", { onLine: true });
const page = new EventTarget();
vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));

const UNTIL = "2026-11-26T09:15:00Z";
const answered = ({ score, comment = null, tags }: Sent): Answered => ({
  state: "given",
  answer: {
    score,
    comment: comment === null ? null : { state: "open", text: comment },
    tags: tags ?? [],
    follow_ups: {},
  },
  thanks: "Glad.",
  editable_until: UNTIL,
});

const sentOf = (score: number, comment: string | null, more: Partial<Sent> = {}): Sent => ({
  score,
  comment,
  tags: [],
  follow_ups: {},
  ...more,
});

let kept: Map<string, Draft>;
let calls: { [name in keyof Calls]: ReturnType<typeof vi.fn<Calls[name]>> };

beforeEach(() => {
  vi.useFakeTimers();
  kept = new Map();
  calls = {
    read: vi.fn<Calls["read"]>(),
    answer: vi.fn<Calls["answer"]>(async (_, answer) => answered(answer)),
    decline: vi.fn<Calls["decline"]>(async () => ({ state: "declined", expires_at: UNTIL })),
  };
});
afterEach(() => vi.useRealTimers());

function opened(form: Form = aForm()): FormStore {
  const store = new FormStore(calls, {
    read: (id) => kept.get(id) ?? null,
    write: (id, draft) => void (draft ? kept.set(id, draft) : kept.delete(id)),
  });
  store.show(form);
  return store;
}

test("what is chosen and written is kept until it is sent, and then no more", async () => {
  const store = opened();
  store.choose(4);
  store.write("Kind");
  expect(opened().draft.value).toMatchObject({ score: 4, comment: "Kind" });

  await store.send();

  expect(calls.answer).toHaveBeenCalledExactlyOnceWith("d1.1.secret", sentOf(4, "Kind"));
  expect(store.form.value).toMatchObject({ state: "given", editable_until: UNTIL });
  expect(kept.size).toBe(0);
});

test("sent twice at once is sent once", async () => {
  const store = opened();
  store.choose(5);
  await Promise.all([store.send(), store.send()]);
  expect(calls.answer).toHaveBeenCalledOnce();
});

test("reasons are sent as far as the score offers them, and further answers that have changed", async () => {
  const form = aForm({
    comment: { mode: "off", required_at_or_below: null, max_length: 20 },
    tags: [
      { id: "slow", text: "slow", lowest: 1, highest: 3 },
      { id: "quick", text: "quick", lowest: 4, highest: 5 },
    ],
    follow_ups: [
      { id: "solved", text: "Solved?", options: [{ id: "yes", text: "Yes" }] },
      { id: "missing", text: "What was missing?", options: [] },
    ],
  });
  const store = opened(form);
  store.choose(2);
  store.tag("slow", true);
  store.choose(5);
  store.tag("quick", true);
  store.followUp("solved", "yes");
  store.followUp("missing", "  ");
  expect(kept.get("d1.1")).toMatchObject({ tags: ["slow", "quick"], followUps: { solved: "yes" } });
  await store.send();
  const sent = sentOf(5, null, { tags: ["quick"], follow_ups: { solved: "yes" } });
  expect(calls.answer).toHaveBeenLastCalledWith("d1.1.secret", sent);
  expect(store.form.value?.texts.thanks).toBe("Glad.");

  const before = { solved: { option: "yes", text: null }, missing: { option: null, text: null } };
  store.form.value = { ...form, answer: { score: 5, comment: null, tags: ["quick"], follow_ups: before } };
  store.answerAgain();
  expect(store.draft.value).toMatchObject({ tags: ["quick"], followUps: { solved: "yes", missing: "" } });
  store.tag("quick", false);
  store.followUp("solved", "");
  await store.send();
  expect(calls.answer).toHaveBeenLastCalledWith(
    "d1.1.secret",
    sentOf(5, null, { follow_ups: { solved: "" } }),
  );
});

test("a missing comment is said at its field, and nothing is sent", async () => {
  const store = opened();
  store.choose(2);
  store.write("  ");
  expect(await store.send()).toBe(false);
  expect(store.wrongComment.value?.code).toBe("comment-required");
  expect(calls.answer).not.toHaveBeenCalled();
  store.choose(3);
  expect(store.wrongComment.value).toBeNull();
});

test("a comment that is too long is not cut", async () => {
  const store = opened();
  store.choose(5);
  store.write("x".repeat(23));
  expect(await store.send()).toBe(false);
  expect(store.wrongComment.value?.facts).toEqual({ over: 3 });
});

test("a changed score keeps the comment, and an emptied one removes it", async () => {
  const store = opened(aForm({ ...answered(sentOf(1, "Slow")), state: "given" }));
  store.answerAgain();
  expect(store.draft.value).toMatchObject({ score: 1, comment: "Slow" });
  store.choose(2);
  await store.send();
  expect(calls.answer).toHaveBeenLastCalledWith("d1.1.secret", sentOf(2, null));

  store.show(aForm({ ...answered(sentOf(4, "Slow")), form: "d2.1", state: "given" }));
  store.answerAgain();
  store.write("");
  await store.send();
  expect(calls.answer).toHaveBeenLastCalledWith("d1.1.secret", sentOf(4, ""));
});

test("without network it waits, and is sent when the network is back", async () => {
  calls.answer.mockRejectedValueOnce(new Problem("offline"));
  const store = opened();
  store.choose(5);
  const sent = store.send();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));
  expect(kept.get("d1.1")).toMatchObject({ score: 5, due: true });

  page.dispatchEvent(new Event("online"));
  await sent;

  expect(calls.answer).toHaveBeenCalledTimes(2);
  expect(store.sending.value).toBe("idle");
  expect(store.form.value?.state).toBe("given");
});

test("a service that is away is asked again by itself", async () => {
  calls.answer.mockRejectedValueOnce(new Problem("service-starting", 503));
  const store = opened();
  store.choose(5);
  const sent = store.send();
  await vi.advanceTimersByTimeAsync(2_000);
  await sent;
  expect(store.form.value?.state).toBe("given");
});

test("what was to be sent before a reload is sent after it", async () => {
  kept.set("d1.1", { ...EMPTY, score: 4, due: true });
  opened();
  await vi.waitFor(() => expect(calls.answer).toHaveBeenCalledWith("d1.1.secret", sentOf(4, null)));
});

test("what came too late is read again and said", async () => {
  calls.answer.mockRejectedValueOnce(new Problem("rating-window-over", 409));
  calls.read.mockResolvedValue(aForm({ state: "expired", expires_at: null, expired_at: UNTIL }));
  const store = opened();
  store.choose(5);
  await store.send();
  expect(store.form.value?.state).toBe("expired");
  expect(store.refusal.value?.code).toBe("rating-window-over");
});

test("another refusal keeps what was written", async () => {
  calls.answer.mockRejectedValueOnce(new Problem("wrong-shape", 422));
  const store = opened();
  store.choose(5);
  store.write("Kind");
  await store.send();
  expect(store.draft.value).toMatchObject({ score: 5, comment: "Kind" });
  expect(store.sending.value).toBe("idle");
});

test("who declined can answer after all", async () => {
  const store = opened();
  await store.decline();
  expect(store.form.value?.state).toBe("declined");
  store.answerAgain();
  store.choose(5);
  await store.send();
  expect(store.form.value?.state).toBe("given");
});

test("the same form read again leaves what is being typed", () => {
  const store = opened();
  store.choose(3);
  store.show(aForm());
  expect(store.draft.value.score).toBe(3);
  store.show(aForm({ form: "d2.1" }));
  expect(store.draft.value.score).toBeNull();
});

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

/** Each pause is the longest that it can be. */
vi.spyOn(Math, "random").mockReturnValue(1);

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

/** The next answer is refused with a code of this status. */
const refused = (code: string, status = 409): void =>
  void calls.answer.mockRejectedValueOnce(new Problem(code, status));

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

const GIVEN = aForm({ ...answered(sentOf(1, "Slow")), state: "given" });

test.each([
  "form-withdrawn",
  "client-erased",
  "rating-window-over",
  "change-window-over",
  "changed-too-often",
  "already-rated",
])("after %s the form is read anew, and what was being answered is closed", async (code) => {
  refused(code);
  const read = aForm({ state: "given", editable_until: UNTIL });
  calls.read.mockResolvedValue(read);
  const store = opened(GIVEN);
  store.answerAgain();
  store.choose(5);
  await store.send();
  expect(calls.read).toHaveBeenCalledExactlyOnceWith("d1.1.secret");
  expect(store.form.value).toBe(read);
  expect([store.open.value, store.draft.value, kept.size]).toEqual([false, EMPTY, 0]);
  expect(store.refusal.value?.code).toBe(code);
});

test("what one form is refused leaves another one, shown meanwhile, as it is", async () => {
  let arrive = (_: Form): void => undefined;
  refused("rating-window-over");
  calls.read.mockReturnValueOnce(new Promise((resolve) => (arrive = resolve)));
  const store = opened();
  store.choose(5);
  const sent = store.send();
  await vi.waitFor(() => expect(calls.read).toHaveBeenCalled());
  store.show(aForm({ form: "d2.1" }));
  store.choose(3);
  arrive(aForm({ state: "expired" }));
  await sent;
  expect([store.form.value?.form, store.draft.value.score, store.refusal.value]).toEqual(["d2.1", 3, null]);
  expect(kept.get("d2.1")).toMatchObject({ score: 3 });
});

test("a form that is there no more is taken away, and that is said", async () => {
  refused("no-such-form", 404);
  calls.read.mockRejectedValue(new Problem("no-such-form", 404));
  const store = opened();
  store.choose(5);
  await store.send();
  expect([store.form.value, store.failure.value?.code]).toEqual([null, "no-such-form"]);
});

test("a form that can't be read anew stays", async () => {
  calls.read.mockRejectedValue(new Problem("unavailable", 503));
  const store = opened();
  await store.refresh();
  expect([store.form.value?.form, store.failure.value]).toEqual(["d1.1", null]);
});

test("why nothing can be shown is said as long as there is no form", () => {
  const store = new FormStore(calls, { read: () => null, write: () => undefined });
  store.fail(new Problem("offline"));
  expect(store.failure.value?.code).toBe("offline");
  store.show(aForm());
  expect(store.failure.value).toBeNull();
  store.fail(new Problem("offline"));
  expect(store.failure.value).toBeNull();
});

test("where no form is shown, nothing is asked of the service", async () => {
  const store = opened();
  store.choose(5);
  store.forget();
  expect(store.form.value).toBeNull();
  await Promise.all([store.send(), store.decline(), store.refresh()]);
  for (const call of Object.values(calls)) expect(call).not.toHaveBeenCalled();
});

test("without a score nothing is sent", async () => {
  const store = opened();
  store.write("Kind");
  expect(await store.send()).toBe(true);
  expect(calls.answer).not.toHaveBeenCalled();
});

test.each(["comment-required", "comment-too-long"])(
  "%s is said at the comment, which stays",
  async (code) => {
    refused(code, 422);
    const store = opened();
    store.choose(5);
    store.write("Kind");
    await store.send();
    expect([store.wrongComment.value?.code, store.refusal.value]).toEqual([code, null]);
    expect(store.draft.value.comment).toBe("Kind");
    expect(calls.read).not.toHaveBeenCalled();
    store.choose(4);
    expect(store.wrongComment.value).toBeNull();
  },
);

test("that a comment is missing is said until a score needs none", async () => {
  const store = opened();
  store.choose(1);
  await store.send();
  store.choose(2);
  expect(store.wrongComment.value?.code).toBe("comment-required");
});

test("a comment of the greatest length is sent whole", async () => {
  const store = opened();
  store.choose(5);
  store.write("x".repeat(20));
  expect(await store.send()).toBe(true);
  expect(calls.answer).toHaveBeenCalledWith("d1.1.secret", sentOf(5, "x".repeat(20)));
  store.write("x".repeat(21));
  store.choose(5);
  await store.send();
  expect(store.wrongComment.value?.code).toBe("comment-too-long");
});

test("a form that takes no comment is sent none, whatever was typed before", async () => {
  const store = opened(aForm({ comment: { mode: "off", required_at_or_below: null, max_length: 20 } }));
  store.choose(1);
  store.write("x".repeat(30));
  expect(await store.send()).toBe(true);
  expect(calls.answer).toHaveBeenCalledWith("d1.1.secret", sentOf(1, null));
});

test("what was refused is not sent by itself after a reload", async () => {
  refused("wrong-shape", 422);
  const store = opened();
  store.choose(5);
  await store.send();
  expect(kept.get("d1.1")).toMatchObject({ score: 5, due: false });
  expect(store.refusal.value?.code).toBe("wrong-shape");
  opened();
  await vi.advanceTimersByTimeAsync(0);
  expect(calls.answer).toHaveBeenCalledOnce();
});

test("to change an answer opens it as it is, and the new one closes it", async () => {
  const store = opened(GIVEN);
  expect(store.open.value).toBe(false);
  store.answerAgain();
  expect(store.open.value).toBe(true);
  expect(store.draft.value).toEqual({ score: 1, comment: "Slow", tags: [], followUps: {} });
  store.choose(4);
  await store.send();
  expect([store.open.value, store.draft.value]).toEqual([false, EMPTY]);
});

test("an answer whose words were erased is opened without any", () => {
  const answer = { score: 4, comment: { state: "erased" as const, text: null }, tags: [], follow_ups: {} };
  const store = opened(aForm({ state: "given", answer }));
  store.answerAgain();
  expect(store.draft.value).toMatchObject({ score: 4, comment: "" });
});

test("who leaves an answer as it is keeps nothing of the change", async () => {
  refused("wrong-shape", 422);
  const store = opened(GIVEN);
  store.answerAgain();
  store.choose(4);
  await store.send();
  store.close();
  expect([store.open.value, store.draft.value, store.refusal.value]).toEqual([false, EMPTY, null]);
  expect(kept.size).toBe(0);
  expect(store.form.value).toMatchObject({ state: "given", answer: { score: 1 } });
});

test("a change that was begun before a reload goes on after it", () => {
  const store = opened(GIVEN);
  store.answerAgain();
  store.choose(4);
  const again = opened(GIVEN);
  expect([again.open.value, again.draft.value.score]).toEqual([true, 4]);
  expect(opened(aForm()).open.value).toBe(false);
});

test("a browser that keeps nothing has what is typed as long as the form is shown", () => {
  const store = new FormStore(calls, { read: () => null, write: () => undefined });
  store.show(aForm());
  store.choose(3);
  store.show(aForm());
  expect(store.draft.value.score).toBe(3);
});

test("an answer without a comment, changed, has none either; what was not answered is not sent", async () => {
  const follow_ups = [{ id: "solved", text: "Solved?", options: [{ id: "yes", text: "Yes" }] }];
  const store = opened(aForm({ follow_ups }));
  store.choose(5);
  await store.send();
  store.answerAgain();
  store.choose(4);
  await store.send();
  expect(calls.answer).toHaveBeenLastCalledWith("d1.1.secret", sentOf(4, null));
});

test("nothing of one form is left on another one", async () => {
  refused("wrong-shape", 422);
  const store = opened(GIVEN);
  store.answerAgain();
  store.choose(4);
  await store.send();
  store.show(aForm({ form: "d2.1" }));
  expect([store.open.value, store.draft.value, store.refusal.value]).toEqual([false, EMPTY, null]);
  store.choose(1);
  await store.send();
  store.show(aForm({ form: "d3.1" }));
  expect(store.wrongComment.value).toBeNull();
});

test("no, thanks drops what was refused, and closes what was opened", async () => {
  const store = opened(aForm({ state: "declined" }));
  store.answerAgain();
  await store.decline();
  expect(calls.decline).toHaveBeenCalledExactlyOnceWith("d1.1.secret");
  expect(store.open.value).toBe(false);
  expect(store.form.value).toMatchObject({ state: "declined", expires_at: UNTIL });
});

test("no, thanks that is refused is none", async () => {
  calls.decline.mockRejectedValueOnce(new Problem("already-rated", 409));
  calls.read.mockResolvedValue(GIVEN);
  const store = opened();
  await store.decline();
  expect(store.form.value).toBe(GIVEN);
  expect(store.refusal.value?.code).toBe("already-rated");
});

test("no, thanks is said once, however often it is pressed", async () => {
  const store = opened();
  await Promise.all([store.decline(), store.decline()]);
  expect(calls.decline).toHaveBeenCalledOnce();
});

test("no, thanks that waits is told at once when it is pressed again", async () => {
  calls.decline.mockRejectedValueOnce(new Problem("offline"));
  const store = opened();
  const declined = store.decline();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));
  await store.decline();
  await declined;
  expect(calls.decline).toHaveBeenCalledTimes(2);
  expect(store.form.value?.state).toBe("declined");
  expect(store.refusal.value).toBeNull();
});

test("who thinks better of no, thanks while it waits has answered, and loses no word", async () => {
  calls.decline.mockRejectedValueOnce(new Problem("offline"));
  const store = opened();
  const declined = store.decline();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));
  store.choose(4);
  store.write("Kind");
  await store.send();
  await declined;
  expect(calls.answer).toHaveBeenCalledExactlyOnceWith("d1.1.secret", sentOf(4, "Kind"));
  expect(store.form.value?.state).toBe("given");
});

test("what is chosen while no, thanks waits is not sent before it is asked to be", async () => {
  calls.decline.mockRejectedValueOnce(new Problem("offline"));
  const store = opened();
  const declined = store.decline();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));
  store.choose(4);
  page.dispatchEvent(new Event("online"));
  await declined;
  expect(calls.answer).not.toHaveBeenCalled();
  expect([store.open.value, store.draft.value.score, store.refusal.value]).toEqual([true, 4, null]);
  expect(kept.get("d1.1")).toMatchObject({ score: 4 });
});

test("what waits is sent at once, as it is now, when it is sent again", async () => {
  refused("service-starting", 503);
  const store = opened();
  store.choose(5);
  const sent = store.send();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));
  expect(store.refusal.value?.code).toBe("service-starting");
  store.choose(4);
  expect(await store.send()).toBe(true);
  await sent;
  expect(calls.answer).toHaveBeenLastCalledWith("d1.1.secret", sentOf(4, null));
  expect(vi.getTimerCount()).toBe(0);
});

test("what waits is sent once more when its form is read again", async () => {
  refused("service-starting", 503);
  const store = opened();
  store.choose(5);
  const sent = store.send();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));
  store.show(aForm());
  expect(store.sending.value).toBe("waiting");
  await sent;
  expect(calls.answer).toHaveBeenCalledTimes(2);
});

test("a comment that is missing is said also while the answer waits", async () => {
  refused("offline", 0);
  const store = opened();
  store.choose(5);
  void store.send();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));
  store.choose(1);
  expect(await store.send()).toBe(false);
  expect(calls.answer).toHaveBeenCalledOnce();
});

test("pauses grow, and never beyond half a minute", async () => {
  calls.answer.mockRejectedValue(new Problem("unavailable"));
  const store = opened();
  store.choose(5);
  void store.send();
  await vi.advanceTimersByTimeAsync(0);
  for (const [at, pause] of [2_000, 4_000, 8_000, 16_000, 30_000, 30_000].entries()) {
    await vi.advanceTimersByTimeAsync(pause - 1);
    expect(calls.answer).toHaveBeenCalledTimes(at + 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(calls.answer).toHaveBeenCalledTimes(at + 2);
  }
});

test("a pause is half as long at the shortest", async () => {
  vi.mocked(Math.random).mockReturnValueOnce(0);
  refused("unavailable", 503);
  const store = opened();
  store.choose(5);
  void store.send();
  await vi.advanceTimersByTimeAsync(999);
  expect(calls.answer).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(1);
  expect(calls.answer).toHaveBeenCalledTimes(2);
});

test.each([
  ["offline", 0],
  ["unavailable", 0],
  ["unavailable", 500],
  ["too-many-requests", 429],
])("%s (%i) passes", async (code, status) => {
  refused(code, status);
  const store = opened();
  store.choose(5);
  const sent = store.send();
  await vi.advanceTimersByTimeAsync(2_000);
  await sent;
  expect(store.form.value?.state).toBe("given");
});

test("an answer that waits is its own form's, whatever is shown meanwhile", async () => {
  refused("service-starting", 503);
  const store = opened();
  store.choose(5);
  const sent = store.send();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));

  const other = aForm({ form: "d2.1", token: "d2.1.secret" });
  store.show(other);
  expect(store.sending.value).toBe("idle");
  store.choose(3);
  await sent;

  expect(calls.answer).toHaveBeenLastCalledWith("d1.1.secret", sentOf(5, null));
  expect(store.form.value).toBe(other);
  expect([...kept.keys()]).toEqual(["d2.1"]);
  expect([store.draft.value.score, store.sending.value]).toEqual([3, "idle"]);
});

test("another form's answer that arrives leaves this one's on its way", async () => {
  const arrive: (() => void)[] = [];
  calls.answer.mockImplementation(
    (_, answer) => new Promise((resolve) => arrive.push(() => resolve(answered(answer)))),
  );
  const store = opened();
  store.choose(5);
  const sent = store.send();
  store.show(aForm({ form: "d2.1" }));
  store.choose(3);
  void store.send();
  arrive[0]?.();
  await sent;
  expect(store.sending.value).toBe("sending");
});

test("an answer that could not be sent is sent when its form is shown again", async () => {
  refused("service-starting", 503);
  refused("service-starting", 503);
  const store = opened();
  store.choose(5);
  const sent = store.send();
  await vi.waitFor(() => expect(store.sending.value).toBe("waiting"));
  store.forget();
  await sent;
  expect([store.sending.value, store.form.value, vi.getTimerCount()]).toEqual(["idle", null, 0]);
  store.show(aForm());
  await vi.waitFor(() => expect(store.form.value?.state).toBe("given"));
});

test("what was read before an answer does not come after it", async () => {
  let arrive = (_: Form): void => undefined;
  calls.read.mockReturnValueOnce(new Promise((resolve) => (arrive = resolve)));
  const store = opened();
  store.choose(5);
  const read = store.refresh();
  await store.send();
  arrive(aForm());
  await read;
  expect(store.form.value?.state).toBe("given");
});

test("a form that was asked for before another one was shown is not shown", async () => {
  let fail = (_: Problem): void => undefined;
  calls.read.mockReturnValueOnce(new Promise((_, reject) => (fail = reject)));
  const store = opened();
  const read = store.refresh();
  const other = aForm({ form: "d2.1" });
  store.show(other);
  fail(new Problem("no-such-form", 404));
  await read;
  expect([store.form.value, store.failure.value]).toEqual([other, null]);
});

test("a preview shows the score that is chosen on it, and nothing of the one before", () => {
  const store = opened(GIVEN);
  store.answerAgain();
  const form = aForm({ form: "preview" });
  store.preview(form, 2);
  expect(store.form.value).toBe(form);
  expect([store.open.value, store.draft.value]).toEqual([false, { ...EMPTY, score: 2 }]);
});

import { Problem } from "@candor/ui/problems.ts";
import { beforeEach, expect, test, vi } from "vitest";
import { type CloseReview, QUIET_MS, ReviewEditor, type Service } from "./review-editor.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });
vi.useFakeTimers();

const CLOSE = { dialog: "d1", close_seq: 1 };
const UNWRITTEN: CloseReview = {
  version: 1,
  status: "new",
  own_score: null,
  has_note: false,
  excluded: null,
  note: null,
  note_written: null,
  status_set: null,
  own_score_set: null,
  exclusion_set: null,
  scale: { lowest: 1, highest: 5 },
};
let stored: CloseReview;
let noteVersion: number;
let offline: boolean;
let calls: Service;

/** Somebody else's note. */
function theirs(text: string): void {
  const by = { by: { id: "tom", name: "Tom" }, at: `2026-03-02T12:00:0${stored.version}.000Z` };
  noteVersion = stored.version + 1;
  stored = {
    ...stored,
    version: noteVersion,
    has_note: true,
    note: { state: "open", text },
    note_written: by,
  };
}

beforeEach(() => {
  [stored, noteVersion, offline] = [UNWRITTEN, 1, false];
  calls = {
    read: vi.fn(async () => stored),
    history: async () => [],
    note: vi.fn(async (_, version, text) => {
      if (offline) throw new Problem("offline");
      if (version < noteVersion) throw new Problem("changed-meanwhile", 412);
      const by = { by: { id: "sue", name: "Sue" }, at: `2026-03-02T12:00:0${stored.version}.000Z` };
      noteVersion = stored.version + 1;
      stored = { ...stored, version: noteVersion, note: { state: "open", text }, note_written: by };
      return stored;
    }),
    status: vi.fn(async (_, version, status) => {
      if (version !== stored.version) throw new Problem("changed-meanwhile", 412);
      stored = { ...stored, version: stored.version + 1, status };
      return stored;
    }),
    ownScore: vi.fn(async (_, version, own_score) => {
      stored = { ...stored, version: version + 1, own_score };
      return stored;
    }),
    exclusion: vi.fn(async (_, version, excluded) => {
      stored = { ...stored, version: version + 1, excluded };
      return stored;
    }),
  };
});

const quiet = () => vi.advanceTimersByTimeAsync(QUIET_MS);

test("a note is saved once nothing was typed for a moment, and what is typed meanwhile after that", async () => {
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, undefined, calls);
  editor.type("T");
  await vi.advanceTimersByTimeAsync(QUIET_MS - 1);
  editor.type("Talk");
  await vi.advanceTimersByTimeAsync(QUIET_MS - 1);
  expect(calls.note).not.toHaveBeenCalled();
  await quiet();
  expect(calls.note).toHaveBeenCalledExactlyOnceWith(CLOSE, 1, "Talk");
  await editor.flush();
  expect(calls.note).toHaveBeenCalledOnce();
  expect([editor.draft.value, editor.note.value]).toEqual([null, "Talk"]);
  const save = calls.note;
  calls.note = async (...told) => {
    editor.type("Talk with both");
    calls.note = save;
    return save(...told);
  };
  editor.type("Talk with");
  await editor.flush();
  expect([editor.draft.value, editor.written.value.note?.text]).toEqual(["Talk with both", "Talk with"]);
  await quiet();
  expect([editor.draft.value, stored.note?.text]).toEqual([null, "Talk with both"]);
});

test("what somebody else wrote meanwhile is shown beside what was typed, and one of them is chosen", async () => {
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, undefined, calls);
  editor.type("mine");
  theirs("theirs");
  await quiet();
  expect([editor.isOvertaken.value, editor.note.value]).toEqual([true, "mine"]);
  expect(editor.written.value.note?.text).toBe("theirs");
  editor.type("mine too");
  await quiet();
  expect(calls.note).toHaveBeenCalledOnce();
  await editor.keepMine();
  expect([stored.note?.text, editor.isOvertaken.value, editor.draft.value]).toEqual([
    "mine too",
    false,
    null,
  ]);

  editor.type("again");
  theirs("theirs again");
  await quiet();
  editor.takeTheirs();
  expect([editor.note.value, editor.draft.value, editor.isOvertaken.value]).toEqual([
    "theirs again",
    null,
    false,
  ]);
});

test("a newer note that is read while somebody types is never overwritten unseen", async () => {
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, undefined, calls);
  editor.type("mine");
  theirs("theirs");
  editor.take(stored);
  await quiet();
  expect([editor.isOvertaken.value, stored.note?.text]).toEqual([true, "theirs"]);
});

test("a status that is set while a note is typed disturbs nobody", async () => {
  const saved = vi.fn();
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, saved, calls);
  editor.type("mine");
  await editor.setStatus("done");
  await quiet();
  expect([editor.isOvertaken.value, stored.status, stored.note?.text]).toEqual([false, "done", "mine"]);
  expect(saved).toHaveBeenLastCalledWith(stored);
});

test("a status that somebody else set first is shown, with the reason", async () => {
  const saved = vi.fn();
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, saved, calls);
  stored = { ...stored, version: 2, status: "in_work" };
  await editor.setStatus("done");
  expect([editor.written.value.status, editor.problem.value?.code]).toEqual(["in_work", "changed-meanwhile"]);
  expect(saved).toHaveBeenLastCalledWith(stored);
  await editor.setStatus("done");
  expect([editor.written.value.status, editor.problem.value]).toEqual(["done", null]);
});

test("what could not be saved is kept and tried again", async () => {
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, undefined, calls);
  offline = true;
  editor.type("mine");
  await quiet();
  expect([editor.noteProblem.value?.code, editor.draft.value]).toEqual(["offline", "mine"]);
  offline = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([editor.noteProblem.value, editor.draft.value, stored.note?.text]).toEqual([null, null, "mine"]);
});

test("what is read too late is dropped, and an erasure is not", () => {
  stored = { ...UNWRITTEN, version: 3, note: { state: "open", text: "x" } };
  const editor = new ReviewEditor(CLOSE, stored, undefined, calls);
  editor.take({ ...stored, version: 2, status: "done", note: null });
  expect(editor.written.value).toBe(stored);
  editor.take({ ...stored, note: { state: "erased", text: null } });
  expect(editor.written.value.note?.state).toBe("erased");
});

test("a close is left out, and given a score, after the note that was typed before, each on the last version", async () => {
  const saved = vi.fn();
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, saved, calls);
  editor.type("mine");
  await Promise.all([
    editor.flush(),
    editor.setOwnScore(2),
    editor.exclude("test"),
    editor.setStatus("done"),
  ]);
  expect(calls.ownScore).toHaveBeenCalledExactlyOnceWith(CLOSE, 2, 2);
  expect(calls.exclusion).toHaveBeenCalledExactlyOnceWith(CLOSE, 3, "test");
  expect(editor.written.value).toMatchObject({ version: 5, own_score: 2, excluded: "test", status: "done" });
  expect(saved).toHaveBeenLastCalledWith(stored);
});

test("a note is made from what was read last", async () => {
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, undefined, calls);
  theirs("theirs");
  editor.take(stored);
  editor.type("mine");
  await quiet();
  expect([stored.note?.text, editor.isOvertaken.value]).toEqual(["mine", false]);
});

test("it says that it saves as long as it does", async () => {
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, undefined, calls);
  expect(editor.isSaving.value).toBe(false);
  const save = calls.note;
  calls.note = async (...told) => {
    expect(editor.isSaving.value).toBe(true);
    return save(...told);
  };
  offline = true;
  for (const text of ["mine", "mine too"]) {
    editor.type(text);
    await editor.flush();
    expect(editor.isSaving.value).toBe(false);
    offline = false;
  }
  expect(stored.note?.text).toBe("mine too");
});

test("what is refused for good is not tried again by itself, and the next save tells anew", async () => {
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, undefined, calls);
  const note = vi.fn<Service["note"]>(async () => {
    throw new Problem("too-long", 422);
  });
  calls.note = note;
  calls.status = async () => {
    throw new Problem("forbidden", 403);
  };
  editor.type("mine");
  await quiet();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([note.mock.calls.length, editor.noteProblem.value?.code]).toEqual([1, "too-long"]);
  await editor.setStatus("done");
  expect(editor.problem.value?.code).toBe("forbidden");
  expect(calls.read).not.toHaveBeenCalled();
});

test("if not even what somebody else wrote can be read, that is said, and what was typed is kept", async () => {
  const editor = new ReviewEditor(CLOSE, UNWRITTEN, undefined, calls);
  theirs("theirs");
  calls.read = async () => {
    throw new Problem("offline");
  };
  editor.type("mine");
  await quiet();
  expect([editor.noteProblem.value?.code, editor.note.value]).toEqual(["offline", "mine"]);
});

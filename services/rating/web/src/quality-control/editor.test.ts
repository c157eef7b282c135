import { Problem } from "@candor/ui/problems.ts";
import { beforeEach, expect, test, vi } from "vitest";
import { aView, someSettings } from "./builders.ts";
import { Editor, type Service } from "./editor.ts";
import type { Colours, Settings, View } from "./settings.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });

const COLOURS = { light: { accent: "#1a2b3c" } } as unknown as Colours;

const code = (each: string): string => each;
let saved: View;
let save: ReturnType<typeof vi.fn<Service["save"]>>;
let restore: ReturnType<typeof vi.fn<Service["restore"]>>;
let read: ReturnType<typeof vi.fn<Service["read"]>>;
let colours: ReturnType<typeof vi.fn<Service["colours"]>>;

beforeEach(() => {
  saved = aView(12);
  save = vi.fn<Service["save"]>(async (_, version, settings) => {
    if (version !== saved.version) {
      throw new Problem("saved-meanwhile", 412, {
        facts: { who: "Ivo Brandt", when: "2026-11-26T08:40:00Z", version: saved.version },
      });
    }
    saved = aView(version + 1, settings);
    return saved;
  });
  restore = vi.fn<Service["restore"]>(async () => {
    saved = aView(saved.version + 1, someSettings({ expiry: 60 }));
    return saved;
  });
  read = vi.fn<Service["read"]>(async () => saved);
  colours = vi.fn<Service["colours"]>(async () => COLOURS);
});

async function opened(): Promise<Editor> {
  const editor = new Editor("bot", { save, restore, read, colours } as unknown as Service);
  await editor.load();
  return editor;
}

const coolDown = (cool_down: number) => (settings: Settings) => ({ ...settings, cool_down });

test("what differs from what is saved is unsaved until it is saved, or discarded", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  expect(editor.changed.value).toEqual(["cool_down"]);
  expect([...editor.changedSections.value]).toEqual(["ask"]);
  editor.discard();
  expect(editor.unsaved.value).toBe(false);
  editor.change(coolDown(60));
  await editor.save(code);
  expect(save).toHaveBeenCalledExactlyOnceWith("bot", 12, someSettings({ cool_down: 60 }));
  expect(editor.unsaved.value).toBe(false);
  expect(editor.view.value?.version).toBe(13);
});

test("if somebody saved meanwhile, both changes are there, and saving again holds both", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  saved = aView(13, someSettings({ delay: 0 }));
  await editor.save(code);
  expect(editor.meanwhile.value).toMatchObject({ who: "Ivo Brandt", version: 13, before: { delay: 900 } });
  expect(editor.settings.value).toMatchObject({ cool_down: 60, delay: 0 });
  expect(editor.changed.value).toEqual(["cool_down"]);
  await editor.save(code);
  expect(saved).toMatchObject({ version: 14, settings: { cool_down: 60, delay: 0 } });
  expect(editor.meanwhile.value).toBeNull();
});

test("what is typed while it is saved stays, unsaved", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  const done = editor.save(code);
  editor.change((settings) => ({ ...settings, delay: 5 }));
  await done;
  expect(editor.changed.value).toEqual(["delay"]);
});

test("a field that is refused says so at its place", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  const errors = [{ field: "body.cool_down", code: "too-large" }];
  save.mockRejectedValueOnce(new Problem("wrong-shape", 422, { errors }));
  await editor.save(code);
  expect(editor.wrong.value).toEqual({ cool_down: "too-large" });
  await editor.save(code);
  expect(save).toHaveBeenCalledOnce();
  editor.change(coolDown(61), "cool_down");
  expect(editor.wrong.value).toEqual({});
});

test("without network nothing is lost", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  save.mockRejectedValueOnce(new Problem("offline"));
  await editor.save(code);
  expect(editor.refusal.value?.code).toBe("offline");
  expect(editor.changed.value).toEqual(["cool_down"]);
});

test("restoring keeps what is not saved", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  await editor.restore(9);
  expect(editor.settings.value).toMatchObject({ expiry: 60, cool_down: 60 });
  expect(editor.changed.value).toEqual(["cool_down"]);
});

test("why settings can't be read is said until they are", async () => {
  read.mockRejectedValueOnce(new Problem("unavailable", 503));
  const editor = await opened();
  expect([editor.failure.value?.code, editor.view.value]).toEqual(["unavailable", null]);
  editor.change(coolDown(60));
  expect([editor.settings.value, editor.unsaved.value]).toEqual([null, false]);
  await editor.load();
  expect([editor.failure.value, editor.view.value]).toEqual([null, saved]);
});

test("what was typed that can't be saved is unsaved, and goes when it is put right, alone", async () => {
  const editor = await opened();
  editor.isWrong("delay", "A number");
  editor.isWrong("expiry", "At most 10 years");
  expect([editor.unsaved.value, editor.changed.value]).toEqual([true, []]);
  editor.change(coolDown(60), "cool_down");
  await editor.save(code);
  expect(save).not.toHaveBeenCalled();
  editor.right("delay", "cool_down");
  expect(editor.wrong.value).toEqual({ expiry: "At most 10 years" });
  editor.discard();
  expect([editor.wrong.value, editor.unsaved.value]).toEqual([{}, false]);
});

test("a change is unsaved although nothing is wrong", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  expect(editor.unsaved.value).toBe(true);
});

test("where nothing has changed nothing is saved", async () => {
  const editor = await opened();
  await editor.save(code);
  expect(save).not.toHaveBeenCalled();
});

test("saved twice at once is saved once, and a version is restored once", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  const done = Promise.all([editor.save(code), editor.save(code)]);
  expect(editor.saving.value).toBe(true);
  await done;
  expect(save).toHaveBeenCalledOnce();
  await Promise.all([editor.restore(9), editor.restore(9)]);
  expect(restore).toHaveBeenCalledExactlyOnceWith("bot", 13, 9);
  expect([editor.saving.value, editor.refusal.value]).toEqual([false, null]);
});

test("what is saved can be saved once more, without what is not", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  await editor.saveAgain();
  expect(save).toHaveBeenCalledExactlyOnceWith("bot", 12, someSettings());
  expect(editor.changed.value).toEqual(["cool_down"]);
});

test.each([
  ["webhook-url-missing", "form_webhook"],
  ["threshold-not-on-scale", "satisfied"],
  ["alert-on-satisfied", "alert"],
])("%s is said at %s", async (refusal, part) => {
  const editor = await opened();
  editor.change(coolDown(60));
  save.mockRejectedValueOnce(new Problem(refusal, 422));
  await editor.save(code);
  expect(editor.wrong.value).toEqual({ [part]: refusal });
  expect(editor.refusal.value).toBeNull();
});

test("a refusal of what is no part of the page is said by itself, until it is saved again", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  const errors = [{ field: "body.nothing", code: "unknown" }];
  save.mockRejectedValueOnce(new Problem("wrong-shape", 422, { errors }));
  await editor.save(code);
  expect([editor.wrong.value, editor.refusal.value?.code]).toEqual([{}, "wrong-shape"]);
  await editor.save(code);
  expect(editor.refusal.value).toBeNull();
});

test("who is overtaken twice is told the newest version, and compares with what there was first", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  saved = aView(13, someSettings({ delay: 0 }));
  await editor.save(code);
  saved = aView(14, someSettings({ delay: 5 }));
  await editor.save(code);
  expect(editor.meanwhile.value).toEqual({
    who: "Ivo Brandt",
    when: "2026-11-26T08:40:00Z",
    version: 14,
    before: someSettings(),
  });
  expect(editor.refusal.value).toBeNull();
  editor.discard();
  expect([editor.meanwhile.value, editor.settings.value?.delay]).toEqual([null, 5]);
});

test("if what was saved meanwhile can't be read, nothing is lost, and that is said", async () => {
  const editor = await opened();
  editor.change(coolDown(60));
  saved = aView(13);
  read.mockRejectedValueOnce(new Problem("offline"));
  await editor.save(code);
  expect([editor.refusal.value?.code, editor.meanwhile.value]).toEqual(["offline", null]);
  expect(editor.changed.value).toEqual(["cool_down"]);
});

test("colours are those of the accent on the page, and Candor's own without one", async () => {
  const editor = await opened();
  editor.change((settings) => ({ ...settings, accent: "#112233" }));
  await editor.derive("#112233");
  expect(colours).toHaveBeenCalledExactlyOnceWith("bot", "#112233");
  expect(editor.colours.value).toBe(COLOURS);
  await editor.derive("#445566");
  expect(editor.colours.value).toBe(COLOURS);
  colours.mockRejectedValueOnce(new Problem("offline"));
  await editor.derive("#112233");
  expect(editor.colours.value).toBe(COLOURS);
  editor.discard();
  colours.mockClear();
  await editor.derive(null);
  expect(editor.colours.value).toBeNull();
  expect(colours).not.toHaveBeenCalled();
});

test("colours that come after another accent was chosen are dropped", async () => {
  const editor = await opened();
  editor.change((settings) => ({ ...settings, accent: "#445566" }));
  await editor.derive("#112233");
  expect(editor.colours.value).toBeNull();
});

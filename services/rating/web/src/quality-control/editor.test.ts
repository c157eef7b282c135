import { Problem } from "@candor/ui/problems.ts";
import { beforeEach, expect, test, vi } from "vitest";
import { aView, someSettings } from "./builders.ts";
import { Editor, type Service } from "./editor.ts";
import type { Settings, View } from "./settings.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });

const code = (each: string): string => each;
let saved: View;
let save: ReturnType<typeof vi.fn<Service["save"]>>;

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
});

async function opened(): Promise<Editor> {
  const restore: Service["restore"] = async () => {
    saved = aView(saved.version + 1, someSettings({ expiry: 60 }));
    return saved;
  };
  const editor = new Editor("bot", { save, restore, read: async () => saved } as unknown as Service);
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

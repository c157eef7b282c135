import { Problem } from "@candor/ui/problems.ts";
import { beforeEach, expect, test, vi } from "vitest";
import { aWebhook } from "./builders.ts";
import type { Service } from "./calls.ts";
import { Editor } from "./editor.ts";
import type { Draft, Webhook } from "./webhook.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });

let stored: Webhook | null;
let save: ReturnType<typeof vi.fn<Service["save"]>>;
let remove: ReturnType<typeof vi.fn<Service["delete"]>>;

const calls = (): Service =>
  ({
    read: async () => {
      if (!stored) throw new Problem("no-such-webhook", 404);
      return stored;
    },
    save,
    secret: async () => "whsec_1",
    rotate: async (_: string, version: number) => {
      if (version !== stored?.version) throw new Problem("webhook-changed", 412);
      stored = { ...stored, version: version + 1, both_until: "2026-11-27T08:40:00Z" };
      return "whsec_2";
    },
    delete: remove,
  }) as unknown as Service;

beforeEach(() => {
  stored = aWebhook();
  save = vi.fn<Service["save"]>(async (_, version, body) => {
    if (version !== (stored?.version ?? 0)) throw new Problem("webhook-changed", 412);
    stored = aWebhook({ ...body, version: version + 1 });
    return stored;
  });
  remove = vi.fn<Service["delete"]>(async () => {
    stored = null;
  });
});

async function opened(id: string | null = "crm"): Promise<Editor> {
  const editor = new Editor(id, calls());
  await editor.load();
  return editor;
}

function saved(): Partial<Draft> {
  if (!stored) throw new Error("nothing is stored");
  return stored;
}

test("what was changed is saved on the version that was read", async () => {
  const editor = await opened();
  editor.change({ channels: ["shop"] });
  expect(editor.changes.value).toEqual(["channels"]);
  await editor.save();
  expect(save).toHaveBeenCalledExactlyOnceWith("crm", 1, expect.objectContaining({ channels: ["shop"] }));
  expect(editor.unsaved.value).toBe(false);
  editor.change({ enabled: false });
  editor.discard();
  expect(editor.draft.value).toMatchObject({ channels: ["shop"], enabled: true });
});

test("if somebody saved meanwhile both changes are there, and saving again holds both", async () => {
  const editor = await opened();
  editor.change({ channels: ["shop"] });
  stored = aWebhook({ version: 2, score_at_or_below: 2 });
  expect(await editor.save()).toBeNull();
  expect(editor.meanwhile.value).toMatchObject({
    before: { score_at_or_below: null },
    theirs: { score_at_or_below: 2, channels: [] },
  });
  expect(editor.draft.value).toMatchObject({ channels: ["shop"], score_at_or_below: 2 });
  expect(editor.changes.value).toEqual(["channels"]);
  await editor.save();
  expect(saved()).toMatchObject({ version: 3, channels: ["shop"], score_at_or_below: 2 });
  expect(editor.meanwhile.value).toBeNull();
});

test("if somebody deleted it meanwhile, that is said and the change stays", async () => {
  const editor = await opened();
  editor.change({ channels: ["shop"] });
  stored = null;
  await editor.save();
  expect(editor.refusal.value?.code).toBe("no-such-webhook");
  expect(editor.changes.value).toEqual(["channels"]);
});

test("a new one overwrites none that is there, and is told off only once it is to be made", async () => {
  const editor = await opened(null);
  expect(editor.unsaved.value).toBe(false);
  editor.change({ url: "crm.example" });
  expect(editor.wrong.value).toEqual({});
  await editor.save();
  expect(editor.wrong.value).toEqual({ id: "id", url: "url" });
  editor.id.value = "crm";
  editor.change({ url: "https://crm.example/new" });
  await editor.save();
  expect(editor.wrong.value).toEqual({ id: "taken" });
  expect(save).toHaveBeenLastCalledWith("crm", 0, expect.anything());
  stored = null;
  expect(await editor.save()).toMatchObject({ url: "https://crm.example/new" });
});

test("the id of a new one is typed too: unsaved until it is made or dropped, and taken without blanks", async () => {
  const editor = await opened(null);
  editor.id.value = " bi ";
  expect(editor.unsaved.value).toBe(true);
  await editor.save();
  editor.discard();
  expect([editor.unsaved.value, editor.wrong.value]).toEqual([false, {}]);
  stored = null;
  editor.id.value = " bi ";
  editor.change({ url: " https://bi.example/new " });
  await editor.save();
  expect(save).toHaveBeenCalledExactlyOnceWith(
    "bi",
    0,
    expect.objectContaining({ url: "https://bi.example/new" }),
  );
});

test("nobody is told off again until they save again", async () => {
  const editor = await opened();
  editor.change({ channels: ["shop"] });
  await editor.save();
  editor.change({ url: "" });
  expect(editor.wrong.value).toEqual({});
});

test("saved twice at once it is saved once", async () => {
  const editor = await opened();
  editor.change({ channels: ["shop"] });
  const done = editor.save();
  expect([editor.busy.value, await editor.save()]).toEqual([true, null]);
  await done;
  expect(save).toHaveBeenCalledOnce();
  expect(editor.busy.value).toBe(false);
});

test("a field that the service refuses is told at the field, anything else above all, until the next try", async () => {
  const editor = await opened();
  editor.change({ url: "https://refused.example/" });
  save.mockRejectedValueOnce(
    new Problem("not-valid", 422, { errors: [{ field: "body.url", code: "not-valid" }] }),
  );
  await editor.save();
  expect([editor.wrong.value, editor.refusal.value]).toEqual([{ url: "not-valid" }, null]);
  save.mockRejectedValueOnce(new Problem("unavailable", 503));
  await editor.save();
  expect(editor.refusal.value?.code).toBe("unavailable");
  await editor.save();
  expect([editor.refusal.value, editor.unsaved.value]).toEqual([null, false]);
});

test("what was typed while it is saved stays, unsaved", async () => {
  const editor = await opened();
  editor.change({ channels: ["shop"] });
  const done = editor.save();
  editor.change({ enabled: false });
  await done;
  expect(editor.changes.value).toEqual(["enabled"]);
});

test("without network nothing is lost", async () => {
  const editor = await opened();
  editor.change({ channels: ["shop"] });
  save.mockRejectedValueOnce(new Problem("offline"));
  await editor.save();
  expect(editor.refusal.value?.code).toBe("offline");
  expect(editor.changes.value).toEqual(["channels"]);
});

test("a secret that is exchanged is shown, and what is not saved stays", async () => {
  const editor = await opened();
  await editor.showSecret();
  expect(editor.secret.value).toBe("whsec_1");
  editor.change({ channels: ["shop"] });
  await editor.rotate();
  expect(editor.secret.value).toBe("whsec_2");
  expect(editor.saved.value).toMatchObject({ version: 2, both_until: "2026-11-27T08:40:00Z" });
  expect(editor.changes.value).toEqual(["channels"]);
  await editor.save();
  expect(saved()).toMatchObject({ version: 3 });
});

test("a secret that could not be exchanged is the one that is shown", async () => {
  const editor = await opened();
  await editor.showSecret();
  stored = aWebhook({ version: 2 });
  await editor.rotate();
  expect([editor.secret.value, editor.saved.value?.both_until]).toEqual(["whsec_1", null]);
});

test("one that can’t be read, or deleted, says so and is there", async () => {
  const editor = await opened();
  remove.mockRejectedValueOnce(new Problem("offline"));
  expect(await editor.delete()).toBe(false);
  expect([editor.refusal.value?.code, stored?.webhook]).toEqual(["offline", "crm"]);
  expect(await editor.delete()).toBe(true);
  await editor.load();
  expect(editor.failure.value?.code).toBe("no-such-webhook");
});

test("a look takes in how it fares, and nothing that somebody else made of what is being changed", async () => {
  const editor = await opened();
  editor.change({ channels: ["shop"] });
  stored = aWebhook({ failing_since: "2026-11-26T08:40:00Z" });
  await editor.look();
  expect(editor.saved.value?.failing_since).toBe("2026-11-26T08:40:00Z");
  stored = aWebhook({ version: 2, enabled: false });
  await editor.look();
  expect(editor.draft.value.enabled).toBe(true);
  editor.discard();
  await editor.look();
  expect(editor.draft.value.enabled).toBe(false);
});

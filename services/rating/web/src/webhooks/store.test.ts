import { Problem } from "@candor/ui/problems.ts";
import { beforeEach, expect, test, vi } from "vitest";
import { aWebhook } from "./builders.ts";
import type { Service } from "./calls.ts";
import { addressOf, placeOf, Store } from "./store.ts";
import type { Webhook } from "./webhook.ts";

vi.stubGlobal("navigator", { onLine: true, languages: ["en"] });
vi.stubGlobal("location", { search: "?id=crm", pathname: "/webhooks" });

let listed: Webhook[];
let list: ReturnType<typeof vi.fn<Service["list"]>>;
let channels: ReturnType<typeof vi.fn<Service["channels"]>>;

beforeEach(() => {
  listed = [aWebhook()];
  list = vi.fn<Service["list"]>(async () => listed);
  channels = vi.fn<Service["channels"]>();
});

const opened = (): Store => new Store({ list, channels, read: async () => aWebhook() } as unknown as Service);
const shown = (store: Store) => store.webhooks.value?.map(({ webhook, version }) => `${webhook} ${version}`);

test("an address names the list, one webhook or a new one, and comes back as it was written", () => {
  for (const place of [{ show: "one", id: "crm & co" }, { show: "new" }] as const)
    expect(placeOf(addressOf(place))).toEqual(place);
  expect([addressOf({ show: "list" }), placeOf("")]).toEqual(["/webhooks", { show: "list" }]);
  expect(opened().place.value).toEqual({ show: "one", id: "crm" });
});

test("what was listed stays when another look fails, and that is said until one doesn’t", async () => {
  const store = opened();
  expect(store.webhooks.value).toBeNull();
  await store.load();
  list.mockRejectedValueOnce(new Problem("unavailable", 503));
  await store.load();
  expect([shown(store), store.failure.value?.code]).toEqual([["crm 1"], "unavailable"]);
  await store.load();
  expect(store.failure.value).toBeNull();
});

test("channels have their names, or without any their ids", async () => {
  const store = opened();
  channels.mockRejectedValueOnce(new Problem("offline"));
  await store.loadChannels();
  expect(store.channels.value.size).toBe(0);
  channels.mockResolvedValueOnce([{ channel: "shop", name: "The shop" }] as unknown as Awaited<
    ReturnType<Service["channels"]>
  >);
  await store.loadChannels();
  expect([...store.channels.value]).toEqual([["shop", "The shop"]]);
});

test("what is not saved is there when its webhook is opened again, and leaving the page is asked about", () => {
  const store = opened();
  expect(store.isUnsaved()).toBe(false);
  store.editor("crm").change({ channels: ["shop"] });
  expect(store.editor("bi").draft.value.channels).toEqual([]);
  expect(store.editor("crm").draft.value.channels).toEqual(["shop"]);
  expect(store.isUnsaved()).toBe(true);
});

test("what was saved or deleted here is listed so before the service has followed, one beside the other", async () => {
  const store = opened();
  await store.load();
  store.saved(aWebhook({ webhook: "bi" }));
  store.saved(aWebhook({ version: 2 }));
  expect(shown(store)).toEqual(["bi 1", "crm 2"]);
  store.editor("bi").change({ channels: ["shop"] });
  store.deleted("bi");
  expect([shown(store), store.isUnsaved()]).toEqual([["crm 2"], false]);
});

test("one that was made says so at its own address, and nothing of it is left unsaved at that of a new one", async () => {
  const store = opened();
  await store.load();
  store.editor(null).id.value = "bi";
  store.made(aWebhook({ webhook: "bi" }));
  expect(shown(store)).toEqual(["bi 1", "crm 1"]);
  expect([store.isUnsaved(), store.editor(null).id.value]).toEqual([false, ""]);
  expect(store.editor("bi").savedAt.value).toBeGreaterThan(0);
});

test("one that is made again after it was deleted is read anew", () => {
  const store = opened();
  const before = store.editor("crm");
  store.made(aWebhook({ version: 3 }));
  expect(store.editor("crm")).not.toBe(before);
});

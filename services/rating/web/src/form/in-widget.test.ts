import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { aForm } from "./builders.ts";
import type { Form } from "./form.ts";
import { aPage, problem } from "./harness.ts";
import { openInWidget } from "./in-widget.ts";
import type { FormStore } from "./store.ts";
import { speakOneOf } from "./texts.ts";

beforeAll(async () => {
  aPage(() => undefined);
  await speakOneOf("en");
});
beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settled = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const MINE = "/v1/forms/mine?locale=en-GB";
const changes = (...positions: object[]): Response =>
  new Response(positions.map((each) => `event: changed\ndata: ${JSON.stringify(each)}\n\n`).join(""));

/** A form in a widget whose service has these forms; each response may be set anew. */
function framed() {
  const service = {
    mine: async (): Promise<Response> => Response.json({ forms: service.forms }),
    changes: (): Response | Promise<Response> | undefined => changes({ forms: { "d1.1": 1 } }),
    read: (): Response => problem("no-such-form", 404),
    forms: [aForm()] as Form[],
  };
  const page = aPage(({ path }) => {
    if (path === "/v1/forms/mine/changes") {
      const response = service.changes();
      service.changes = () => undefined;
      return response;
    }
    return path === "/v1/forms/read" ? service.read() : service.mine();
  });
  const store = openInWidget();
  const tell = (part: object = {}): unknown =>
    page.page.dispatchEvent(
      Object.assign(new Event("message"), {
        source: page.parent,
        data: { candor: "form", token: "t1", dialog: "d1", ...part },
      }),
    );
  const asked = (path: string) => page.asked.filter((each) => each.path.startsWith(path));
  const told = () => page.parent.postMessage.mock.calls.map(([message]) => message);
  return { ...page, service, store, tell, asked, told };
}

const shown = (store: FormStore): string | undefined => store.form.value?.form;

test("it asks for the visitor's token, and shows the form of the dialog that the widget names", async () => {
  const { service, store, tell, asked, told, document, kept } = framed();
  service.forms = [aForm({ form: "d2.1", dialog: "d2" }), aForm()];
  expect(told()).toEqual([{ candor: "form", wants: "token" }]);
  tell({ theme: "dark" });
  await settled();
  expect(shown(store)).toBe("d1.1");
  expect(asked(MINE)).toMatchObject([{ bearer: "Bearer t1" }]);
  expect(told().slice(1)).toEqual([{ candor: "form", state: "shown" }]);
  expect(document.documentElement.dataset.theme).toBe("dark");
  store.choose(4);
  expect(kept.get("candor.form.d1.1")).toContain('"score":4');
});

test("without a dialog it shows the newest form, in the language of the widget", async () => {
  const { service, store, tell, asked, document } = framed();
  service.forms = [aForm({ form: "d2.1", dialog: "d2" }), aForm()];
  document.documentElement.dataset.theme = "light";
  tell({ dialog: null, locale: "fr" });
  await settled();
  expect(shown(store)).toBe("d2.1");
  expect(asked("/v1/forms/mine?locale=fr")).toHaveLength(1);
  expect(document.documentElement.dataset.theme).toBe("light");
});

test("another dialog takes the form away at once, and shows its own; the stream goes on", async () => {
  const { service, store, tell, asked } = framed();
  tell();
  await settled();
  tell();
  expect(shown(store)).toBe("d1.1");
  service.forms = [aForm({ form: "d2.1", dialog: "d2" })];
  tell({ dialog: "d2" });
  expect(shown(store)).toBeUndefined();
  await settled();
  expect(shown(store)).toBe("d2.1");
  expect(asked("/v1/forms/mine/changes")).toHaveLength(1);
});

test("where there is no form, that is told", async () => {
  const { service, store, tell, told, asked } = framed();
  service.forms = [];
  tell();
  await settled();
  expect(shown(store)).toBeUndefined();
  expect(told().at(-1)).toEqual({ candor: "form", state: "nothing" });
  expect(asked("/v1/forms/read")).toEqual([]);
});

test.each([
  [{ state: "cancelled", cancelled_reason: "reopened" }, undefined, "nothing"],
  [{ state: "expired", expires_at: null }, "d1.1", "shown"],
] as const)(
  "a form that is no longer among the visitor's may say how it ended: %o",
  async (end, form, state) => {
    const { service, store, tell, told } = framed();
    tell();
    await settled();
    service.forms = [];
    service.read = () => Response.json(aForm(end));
    tell();
    await settled();
    expect(shown(store)).toBe(form);
    expect(told().at(-1)).toEqual({ candor: "form", state });
  },
);

test("what could not be read is read again, and what is refused is not", async () => {
  const { service, store, tell, asked } = framed();
  const { mine } = service;
  service.mine = async () => problem("service-starting", 503);
  tell();
  await settled();
  await settled(4_999);
  expect(asked(MINE)).toHaveLength(1);
  service.mine = mine;
  await settled(1);
  expect(shown(store)).toBe("d1.1");
  service.mine = async () => problem("forbidden", 403);
  tell();
  await settled(60_000);
  expect(asked(MINE)).toHaveLength(3);
});

test("of two reads the later one holds, and it alone is tried again", async () => {
  const { service, store, tell, asked } = framed();
  const arrive: ((response: Response) => void)[] = [];
  const { mine } = service;
  service.mine = () => new Promise((resolve) => arrive.push(resolve));
  tell();
  await settled();
  tell();
  tell();
  await settled();
  arrive[1]?.(Response.json({ forms: [aForm({ state: "declined" })] }));
  arrive[0]?.(problem("service-starting", 503));
  await settled(10_000);
  expect([shown(store), asked(MINE).length]).toEqual([undefined, 3]);
  service.mine = mine;
  arrive[2]?.(Response.json({ forms: [aForm()] }));
  await settled();
  expect(store.form.value?.state).toBe("pending");
});

test("a token that is refused is asked for anew, for all that need one", async () => {
  const { service, store, tell, told, asked } = framed();
  let refuse = (_: Response): void => undefined;
  service.changes = () => new Promise((resolve) => (refuse = resolve));
  service.mine = async () => {
    service.mine = async () => Response.json({ forms: [aForm()] });
    return problem("not-signed-in", 401);
  };
  tell();
  tell();
  await settled();
  refuse(problem("not-signed-in", 401));
  await settled(2_000);
  expect(told()).toEqual(Array(3).fill({ candor: "form", wants: "token" }));
  tell({ token: "t2" });
  await settled();
  expect(shown(store)).toBe("d1.1");
  expect(asked("/v1/forms/mine/changes").at(-1)?.bearer).toBe("Bearer t2");
  expect(asked(MINE).map(({ bearer }) => bearer)).toEqual(["Bearer t1", "Bearer t2", "Bearer t2"]);
});

test("a widget that hands over no other token is waited for ten seconds", async () => {
  const { service, tell, asked } = framed();
  tell();
  await settled();
  service.mine = async () => problem("not-signed-in", 401);
  tell();
  await settled(9_999);
  expect(asked(MINE)).toHaveLength(2);
  await settled(1);
  expect(asked(MINE)).toHaveLength(3);
});

test("where the visitor's forms are not to be followed, there is nothing to show", async () => {
  const { service, tell, told } = framed();
  service.changes = () => problem("forbidden", 403);
  tell();
  await settled();
  expect(told().at(-1)).toEqual({ candor: "form", state: "nothing" });
});

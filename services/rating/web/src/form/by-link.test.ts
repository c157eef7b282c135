import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { aForm, NOW } from "./builders.ts";
import { openByLink } from "./by-link.ts";
import { now } from "./clock.ts";
import { aPage, problem } from "./harness.ts";
import { speakOneOf } from "./texts.ts";

const first = aForm();
const second = aForm({ form: "d2.1", token: "d2.1.secret" });

beforeAll(async () => {
  aPage(() => undefined);
  await speakOneOf("en");
});
beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

test("the token leaves the address, and a reload has it still", async () => {
  const { replaceState, location, asked, kept } = aPage(() => Response.json(first), "#d1.1.secret");
  const store = openByLink();
  await settled();
  expect(replaceState).toHaveBeenCalledExactlyOnceWith(null, "", "/form?a=b");
  expect(location.hash).toBe("");
  expect(asked.map(({ path, body }) => [path, body])).toEqual([
    ["/v1/forms/read", { token: "d1.1.secret", locale: "en-GB" }],
  ]);
  expect(store.form.value).toEqual(first);

  const again = aPage(() => Response.json(first));
  for (const [key, value] of kept) again.kept.set(key, value);
  expect(openByLink().failure.value).toBeNull();
  await settled();
  expect(again.asked[0]?.body).toMatchObject({ token: "d1.1.secret" });
});

test("a browser that keeps nothing shows the form of the address", async () => {
  const { asked } = aPage(() => Response.json(first), "#d1.1.secret");
  vi.stubGlobal("sessionStorage", undefined);
  openByLink();
  await settled();
  expect(asked[0]?.body).toMatchObject({ token: "d1.1.secret" });
});

test("without a token there is no such form, and nothing is asked", async () => {
  const { asked } = aPage(() => undefined);
  const store = openByLink();
  await vi.waitFor(() => expect(store.failure.value).toMatchObject({ code: "no-such-form", status: 404 }));
  expect(asked).toEqual([]);
});

test("what failed is asked again on request, and when the network or the reader is back", async () => {
  const { page, document, asked } = aPage(() => problem("service-starting", 503), "#d1.1.secret");
  const store = openByLink();
  await vi.waitFor(() => expect(store.failure.value?.code).toBe("service-starting"));
  page.dispatchEvent(new Event("candor-again"));
  page.dispatchEvent(new Event("online"));
  document.dispatchEvent(new Event("visibilitychange"));
  await settled();
  expect(asked).toHaveLength(4);
  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  await settled();
  expect(asked).toHaveLength(4);
});

test("a form that is shown is read again by its own token", async () => {
  const { page, asked } = aPage(() => Response.json(first), "#link-of-d1.1");
  openByLink();
  await settled();
  page.dispatchEvent(new Event("online"));
  await settled();
  expect(asked.map(({ body }) => body)).toMatchObject([{ token: "link-of-d1.1" }, { token: "d1.1.secret" }]);
});

test("what is chosen is kept in this tab, and the time is the service's", async () => {
  const headers = { Date: "Thu, 26 Nov 2026 09:00:00 GMT" };
  const { kept } = aPage(() => Response.json(first, { headers }), "#d1.1.secret");
  const store = openByLink();
  await settled();
  store.choose(4);
  expect(kept.get("candor.form.d1.1")).toContain('"score":4');
  expect(now.value).toEqual(NOW);
});

test("a link that fails late says nothing of the one that was opened after it", async () => {
  const arrive: ((response: Response) => void)[] = [];
  const { page, location } = aPage(() => new Promise((resolve) => arrive.push(resolve)), "#nothing");
  const store = openByLink();
  location.hash = "#d2.1.secret";
  page.dispatchEvent(new Event("hashchange"));
  await settled();
  arrive[0]?.(problem("no-such-form", 404));
  await settled();
  expect(store.failure.value).toBeNull();
  arrive[1]?.(Response.json(second));
  await settled();
  expect(store.form.value).toEqual(second);
  location.hash = "#d1.1.secret";
  page.dispatchEvent(new Event("hashchange"));
  expect(store.form.value).toBeNull();
});

test("another link in the same tab shows its form, also if the first comes later", async () => {
  let arrive = (_: Response): void => undefined;
  const { page, location } = aPage(({ body }) => {
    if ((body as { token: string }).token !== "d1.1.secret") return Response.json(second);
    return new Promise((resolve) => (arrive = resolve));
  }, "#d1.1.secret");
  const store = openByLink();
  await settled();
  location.hash = "#d2.1.secret";
  page.dispatchEvent(new Event("hashchange"));
  await vi.waitFor(() => expect(store.form.value).toEqual(second));
  arrive(Response.json(first));
  await settled();
  expect(store.form.value).toEqual(second);
  location.hash = "";
  page.dispatchEvent(new Event("hashchange"));
  await settled();
  expect(store.form.value).toEqual(second);
});

test("what was answered and declined is sent with the form's token", async () => {
  const { asked } = aPage(({ path }) => {
    if (path === "/v1/forms/read") return Response.json(first);
    return Response.json({ state: "declined", expires_at: first.expires_at });
  }, "#d1.1.secret");
  const store = openByLink();
  await settled();
  await store.decline();
  store.answerAgain();
  store.choose(5);
  void store.send();
  await settled();
  expect(asked.slice(1).map(({ path, body }) => [path, body])).toEqual([
    ["/v1/forms/decline", { token: "d1.1.secret" }],
    [
      "/v1/forms/answer",
      { token: "d1.1.secret", locale: "en-GB", score: 5, comment: null, tags: [], follow_ups: {} },
    ],
  ]);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { aForm } from "./builders.ts";
import { listenToPreview, listenToWidget, tell } from "./widget.ts";

const parent = { postMessage: vi.fn() };
let page: EventTarget;

beforeEach(() => {
  page = new EventTarget();
  vi.stubGlobal("window", { parent });
  vi.stubGlobal("location", { origin: "https://rating.example" });
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
});
afterEach(() => vi.unstubAllGlobals());

/** Posts a message to the form, from the page around its frame unless another `source` is given. */
function post(data: unknown, origin: string, source: object = parent): void {
  page.dispatchEvent(Object.assign(new Event("message"), { data, origin, source }));
}

test("only a page of this origin, around the frame, says what to preview", () => {
  const show = vi.fn();
  listenToPreview(show);
  const preview = { form: aForm(), score: null, theme: "light" };
  post({ candor: "form", preview }, "https://school.example");
  post({ candor: "form", preview }, "https://rating.example", {});
  for (const other of [null, { candor: "form" }, { candor: "widget", preview }, { preview }])
    post(other, "https://rating.example");
  expect(show).not.toHaveBeenCalled();
  post({ candor: "form", preview }, "https://rating.example");
  expect(show).toHaveBeenCalledExactlyOnceWith(preview);
});

test("only the page around the frame hands over whose form it is", () => {
  const told = vi.fn();
  listenToWidget(told);
  const message = { candor: "form", token: "t1", dialog: "d1", locale: "fr", theme: "dark" };
  post(message, "https://school.example", {});
  post({ candor: "widget" }, "https://school.example");
  expect(told).not.toHaveBeenCalled();
  post(message, "https://school.example");
  expect(told).toHaveBeenCalledExactlyOnceWith({ token: "t1", dialog: "d1", locale: "fr", theme: "dark" });
});

test("what the form tells goes to the page around it, whichever that is", () => {
  tell({ state: "shown" });
  expect(parent.postMessage).toHaveBeenCalledExactlyOnceWith({ candor: "form", state: "shown" }, "*");
});

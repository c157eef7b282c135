/** The form alone, opened by a link `/form#<form token>`. The token leaves the address; a reload keeps it. */
import { asProblem, Problem } from "@candor/ui/problems.ts";
import { calls } from "./calls.ts";
import { draftsIn } from "./draft.ts";
import { FormStore } from "./store.ts";
import { speakOneOf } from "./texts.ts";

const STORED = "candor.form.token";

export function openByLink(): FormStore {
  const api = calls();
  const store = new FormStore(
    api,
    draftsIn(() => sessionStorage),
  );
  let token = "";

  const load = async (): Promise<void> => {
    const mine = token;
    try {
      if (!token) throw new Problem("no-such-form", 404);
      const form = await api.read(token);
      await speakOneOf(form.locale);
      // Another link may have been opened in this tab.
      if (mine === token) store.show(form);
    } catch (error) {
      await speakOneOf();
      if (mine === token) store.fail(asProblem(error));
    }
  };
  const open = (): void => {
    token = taken();
    store.forget();
    void load();
  };
  const retry = (): void => void (store.form.value ? store.refresh() : load());

  addEventListener("hashchange", () => location.hash.length > 1 && open());
  addEventListener("online", retry);
  addEventListener("candor-again", retry);
  document.addEventListener("visibilitychange", () => !document.hidden && retry());
  open();
  return store;
}

/** The token of the address, else the one that this tab was opened with. */
function taken(): string {
  const given = location.hash.slice(1);
  if (given) history.replaceState(history.state, "", location.pathname + location.search);
  try {
    if (given) sessionStorage.setItem(STORED, given);
    return given || (sessionStorage.getItem(STORED) ?? "");
  } catch {
    return given;
  }
}

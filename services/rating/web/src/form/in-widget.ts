/** The form in the frame of a widget, for the visitor whose token the widget hands over. */
import type { TokenSource } from "@candor/ui/api.ts";
import { follow } from "@candor/ui/live.ts";
import { asProblem, mayPass } from "@candor/ui/problems.ts";
import { calls } from "./calls.ts";
import { now } from "./clock.ts";
import { draftsIn } from "./draft.ts";
import { momentOf } from "./form.ts";
import { FormStore } from "./store.ts";
import { speakOneOf } from "./texts.ts";
import { listenToWidget, type Told, tell } from "./widget.ts";

/** How long the widget may take to hand over another token. */
const ANSWER_MS = 10_000;
const RETRY_MS = 5_000;

export function openInWidget(): FormStore {
  let told: Told | null = null;
  /** Those who wait for another token. */
  const waiting: (() => void)[] = [];

  const token: TokenSource = async (again) => {
    if (again) {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, ANSWER_MS);
        waiting.push(resolve);
        tell({ wants: "token" });
      });
    }
    return told?.token ?? null;
  };
  const api = calls(token);
  const store = new FormStore(
    api,
    draftsIn(() => sessionStorage),
  );

  let reads = 0;
  const read = async (): Promise<void> => {
    reads += 1;
    const mine = reads;
    try {
      const forms = await api.mine(told?.locale ?? null);
      // What was asked for later tells more.
      if (mine !== reads) return;
      const form = forms.find(({ dialog }) => !told?.dialog || dialog === told.dialog);
      if (form) {
        await speakOneOf(form.locale, told?.locale);
        store.show(form);
      } else {
        // What was shown until now may say how it ended.
        await store.refresh();
        const last = store.form.value;
        if (last && momentOf(last, now.value, false) === "withdrawn") store.forget();
      }
      tell({ state: store.form.value ? "shown" : "nothing" });
    } catch (error) {
      // The stream tells each change once.
      if (mayPass(asProblem(error))) setTimeout(() => mine === reads && void read(), RETRY_MS);
    }
  };

  listenToWidget((next) => {
    const before = told;
    told = next;
    for (const resolve of waiting.splice(0)) resolve();
    if (next.theme) document.documentElement.dataset.theme = next.theme;
    if (before && next.dialog !== before.dialog) store.forget();
    if (before) {
      void read();
      return;
    }
    follow({
      address: "/v1/forms/mine/changes",
      token,
      changed: () => void read(),
      state: (_, refusal) => refusal && tell({ state: "nothing" }),
    });
  });
  tell({ wants: "token" });
  return store;
}

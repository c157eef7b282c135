/** The form as it would be with settings that are not saved; sends nothing. */
import { FormStore } from "./store.ts";
import { speakOneOf } from "./texts.ts";
import { listenToPreview, tell } from "./widget.ts";

export function openPreview(): FormStore {
  const end = (): string => {
    const seconds = store.form.value?.edit_window ?? 0;
    return new Date(Date.now() + seconds * 1_000).toISOString();
  };
  const store: FormStore = new FormStore(
    {
      read: async () => Promise.reject(new DOMException("A preview reads nothing", "AbortError")),
      answer: async (_, score, comment) => ({
        state: "given",
        answer: { score, comment: comment ? { state: "open", text: comment } : null },
        editable_until: end(),
      }),
      decline: async () => ({ state: "declined", expires_at: store.form.value?.expires_at ?? end() }),
    },
    { read: () => null, write: () => undefined },
  );
  listenToPreview(async ({ form, score, theme }) => {
    document.documentElement.dataset.theme = theme;
    await speakOneOf(form.locale);
    store.preview(form, score);
  });
  tell({ wants: "preview" });
  return store;
}

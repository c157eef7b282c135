/** The form as it would be with settings that are not saved; sends nothing. */
import { FormStore } from "./store.ts";
import { speakOneOf } from "./texts.ts";
import { listenToPreview, type Previewed, tell } from "./widget.ts";

export function openPreview(): FormStore {
  const end = (): string => {
    const seconds = store.form.value?.edit_window ?? 0;
    return new Date(Date.now() + seconds * 1_000).toISOString();
  };
  const store: FormStore = new FormStore(
    {
      read: async () => Promise.reject(new DOMException("A preview reads nothing", "AbortError")),
      answer: async (_, { score, comment, tags }) => ({
        state: "given",
        answer: {
          score,
          comment: comment ? { state: "open", text: comment } : null,
          tags: tags ?? [],
          follow_ups: {},
        },
        thanks: (last && (score >= last.satisfied ? last.thanks.satisfied : last.thanks.other)) ?? "",
        editable_until: end(),
      }),
      decline: async () => ({ state: "declined", expires_at: store.form.value?.expires_at ?? end() }),
    },
    { read: () => null, write: () => undefined },
  );
  let last: Previewed | null = null;
  listenToPreview(async (told) => {
    last = told;
    document.documentElement.dataset.theme = told.theme;
    await speakOneOf(told.form.locale);
    // A language may be loaded later than the one that was asked for after it.
    if (told === last) store.preview(told.form, told.score);
  });
  tell({ wants: "preview" });
  return store;
}

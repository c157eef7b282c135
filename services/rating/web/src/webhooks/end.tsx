/** The end of a webhook. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { Confirm } from "./confirm.tsx";
import type { Opened } from "./one.tsx";
import { go } from "./page.tsx";
import { t } from "./texts.ts";

export function Delete({ store, editor }: Opened): JSX.Element {
  const asked = useSignal(false);
  const act = async (): Promise<void> => {
    if (!(await editor.delete())) return;
    store.deleted(editor.name);
    go(store, { show: "list" }, "replace");
  };
  return (
    <section aria-labelledby="heading-delete">
      <h2 id="heading-delete">{t("delete.heading")}</h2>
      <p class="about">{t("delete.about")}</p>
      <div class="acts">
        <button
          type="button"
          class="button bad"
          disabled={editor.busy.value}
          onClick={() => (asked.value = true)}
        >
          {t("delete")}
        </button>
      </div>
      <Confirm
        open={asked}
        title={t("delete.title", { id: editor.name })}
        text={t("delete.text")}
        action={t("delete")}
        bad
        act={act}
      />
    </section>
  );
}

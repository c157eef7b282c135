/** Where the visitor writes: Enter sends, Shift and Enter begin a line; what is written outlasts a reload. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect } from "preact/hooks";
import type { Chat } from "./chat.ts";
import { LONGEST } from "./conversation.ts";
import type { Memory } from "./memory.ts";
import { t } from "./texts.ts";

interface Props {
  chat: Chat;
  ofTab: Memory;
  field: { current: HTMLTextAreaElement | null };
}

const DRAFT = "draft";

export function Composer({ chat, ofTab, field }: Props): JSX.Element | null {
  const text = useSignal(ofTab.get(DRAFT) ?? "");
  const write = (now: string): void => {
    text.value = now;
    ofTab.set(DRAFT, now || null);
  };
  useLayoutEffect(() => grow(field.current), [text.value]);

  const tooMany = [...text.value].length - LONGEST;
  const send = (event?: Event): void => {
    event?.preventDefault();
    if (!text.value.trim() || tooMany > 0) return;
    chat.send(text.value.trim());
    write("");
    field.current?.focus();
  };
  const typed = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  };

  const dialog = chat.dialog.value;
  if (chat.settings.value?.closed && chat.known.value && !dialog) return null;
  const label = dialog?.state === "closed" ? t("write.goOn") : t("write");
  return (
    <form class="composer" onSubmit={send}>
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        value={text.value}
        aria-label={label}
        aria-describedby="too-long"
        aria-invalid={tooMany > 0}
        placeholder={label}
        enterkeyhint="send"
        onInput={(event) => write(event.currentTarget.value)}
        onKeyDown={typed}
      />
      <button
        type="submit"
        class="icon-button"
        aria-label={t("send")}
        disabled={!text.value.trim() || tooMany > 0}
      >
        <Icon name="send" size={20} />
      </button>
      <p id="too-long" class="too-long" role="status" hidden={tooMany <= 0}>
        {tooMany > 0 && t("tooLong", { count: tooMany })}
      </p>
    </form>
  );
}

/** As high as what is in it. */
function grow(field: HTMLTextAreaElement | null): void {
  if (!field) return;
  field.style.height = "auto";
  if (field.scrollHeight > 0) field.style.height = `${field.scrollHeight}px`;
}

/** Says to screen readers what operators write from now on. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Chat } from "./chat.ts";
import { operatorsMessages } from "./conversation.ts";
import { t } from "./texts.ts";

export function News({ chat }: { chat: Chat }): JSX.Element {
  const said = useSignal("");
  const before = useRef<number | null>(null);
  const all = operatorsMessages(chat.transcripts.value);
  const known = chat.known.value;
  useEffect(() => {
    if (!known) return;
    const news = before.current === null ? [] : all.slice(before.current);
    before.current = all.length;
    if (news.length > 0) {
      said.value = news.map(({ name, text }) => `${name ?? t("operator")}: ${text.text ?? ""}`).join("\n");
    }
  }, [known, all.length]);
  return (
    <p class="unseen" aria-live="polite" dir="auto">
      {said.value}
    </p>
  );
}

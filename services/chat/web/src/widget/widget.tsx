/** The bubble, and the panel that it opens. */
import { Icon } from "@candor/ui/components/icons.tsx";
import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Chat } from "./chat.ts";
import { liftAbove } from "./lift.ts";
import type { Memory } from "./memory.ts";
import { News } from "./news.tsx";
import { Panel } from "./panel.tsx";
import { t } from "./texts.ts";

interface Props {
  chat: Chat;
  /** What this tab keeps: whether the panel is open, and what is being written. */
  ofTab: Memory;
  scheme: Signal<"light" | "dark">;
  lang: string;
  dir: "ltr" | "rtl";
}

const OPEN = "open";

export function Widget({ chat, ofTab, scheme, lang, dir }: Props): JSX.Element {
  const open = useSignal(ofTab.get(OPEN) !== null);
  const opened = useSignal(open.value);
  const bubble = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);

  const turn = (now: boolean): void => {
    asked.current = true;
    ofTab.set(OPEN, now ? "" : null);
    open.value = now;
    if (now) opened.value = true;
  };
  useLayoutEffect(() => {
    // A panel that was open before the page was loaded takes no focus.
    if (asked.current && !open.value) bubble.current?.focus();
  }, [open.value]);
  useEffect(() => (open.value ? undefined : liftAbove(bubble.current)), [open.value]);

  return (
    <div class={open.value ? "widget open" : "widget"} data-theme={scheme.value} lang={lang} dir={dir}>
      {opened.value && (
        <Panel
          chat={chat}
          ofTab={ofTab}
          scheme={scheme}
          open={open.value}
          takesFocus={asked.current}
          minimise={() => turn(false)}
        />
      )}
      <Bubble chat={chat} open={open.value} button={bubble} turn={turn} />
      <News chat={chat} />
    </div>
  );
}

interface BubbleProps {
  chat: Chat;
  open: boolean;
  button: { current: HTMLButtonElement | null };
  turn: (open: boolean) => void;
}

function Bubble({ chat, open, button, turn }: BubbleProps): JSX.Element {
  const count = open ? 0 : chat.unread.value;
  const name = chat.settings.value?.name ?? "";
  const label = open
    ? t("minimise")
    : [t("open"), name, count > 0 && t("unread", { count })].filter(Boolean).join(", ");
  return (
    <button
      type="button"
      class="bubble"
      ref={button}
      aria-expanded={open}
      aria-label={label}
      onClick={() => turn(!open)}
    >
      <Icon name={open ? "chevron" : "bubble"} size={24} />
      {count > 0 && (
        <span class="badge" aria-hidden="true">
          {count > 99 ? "99+" : count}
        </span>
      )}
    </button>
  );
}

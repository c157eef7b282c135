/** The panel: whose chat it is, the conversation, and where to write. */
import { Icon } from "@candor/ui/components/icons.tsx";
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Chat } from "./chat.ts";
import { Composer } from "./composer.tsx";
import { unanswered } from "./conversation.ts";
import { FormFrame } from "./form-frame.tsx";
import { keepInView } from "./keyboard.ts";
import type { Memory } from "./memory.ts";
import { Messages } from "./messages.tsx";
import { t } from "./texts.ts";

interface Props {
  chat: Chat;
  ofTab: Memory;
  scheme: Signal<"light" | "dark">;
  open: boolean;
  /** Somebody opened it, rather than that it was open when the page came. */
  takesFocus: boolean;
  minimise: () => void;
}

const NEAR_THE_END = 48;
const TOUCH = "(pointer: coarse)";

export function Panel({ chat, ofTab, scheme, open, takesFocus, minimise }: Props): JSX.Element {
  const panel = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const scroller = useScrolledToTheEnd(open, chat.outbox.messages.value.at(-1)?.id);
  useLayoutEffect(() => {
    // On a touch screen the keyboard would cover what there is to read.
    if (open && takesFocus) (matchMedia(TOUCH).matches ? panel : field).current?.focus();
  }, [open]);
  useEffect(() => (open ? keepInView(panel.current) : undefined), [open]);
  const unread = chat.unread.value;
  useEffect(() => {
    if (open && unread > 0) chat.see();
  }, [open, unread]);

  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.isComposing) minimise();
  };
  return (
    <div
      class="panel"
      ref={panel}
      role="dialog"
      aria-label={chat.settings.value?.name}
      tabIndex={-1}
      hidden={!open}
      onKeyDown={pressed}
    >
      <Head chat={chat} minimise={minimise} />
      <Trouble chat={chat} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="scroller" ref={scroller} aria-label={t("messages")} tabIndex={0}>
        <div class="conversation">
          <Greeting chat={chat} />
          <Messages chat={chat} />
          <Waiting chat={chat} />
          <FormFrame chat={chat} scheme={scheme} panel={panel} />
        </div>
      </section>
      <Composer chat={chat} ofTab={ofTab} field={field} />
    </div>
  );
}

function Head({ chat, minimise }: { chat: Chat; minimise: () => void }): JSX.Element {
  const dialog = chat.dialog.value;
  const state =
    dialog?.state === "open"
      ? dialog.operator_name && t("taken", { name: dialog.operator_name })
      : dialog && t("closed");
  return (
    <header class="head">
      <div class="whose">
        <h2>
          <bdi>{chat.settings.value?.name}</bdi>
        </h2>
        {state && <p>{state}</p>}
      </div>
      <button type="button" class="icon-button" aria-label={t("minimise")} onClick={minimise}>
        <Icon name="minus" />
      </button>
    </header>
  );
}

function Trouble({ chat }: { chat: Chat }): JSX.Element {
  const stuck = chat.outbox.messages.value.some(({ trouble, refused }) => trouble && !refused);
  const text = chat.offline.value ? t("offline") : stuck ? t("broken") : "";
  return (
    <p class="trouble" role="status" hidden={!text}>
      {text}
    </p>
  );
}

function Greeting({ chat }: { chat: Chat }): JSX.Element | null {
  if (!chat.known.value || chat.items.value.length > 0) return null;
  const { closed } = chat.settings.value ?? {};
  return (
    <div class="greeting">
      <p>{t(closed ? "closed.title" : "greeting")}</p>
      <p>{t(closed ? "closed.text" : chat.lasting ? "greeting.kept" : "greeting.notKept")}</p>
    </div>
  );
}

function Waiting({ chat }: { chat: Chat }): JSX.Element | null {
  const dialog = chat.dialog.value;
  if (!dialog || !unanswered(dialog)) return null;
  return <p class="line">{t(chat.lasting ? "waiting" : "waiting.notKept")}</p>;
}

/** Keeps the end in sight for whoever is there or has just written, and the place for whoever reads further up. */
function useScrolledToTheEnd(open: boolean, written: string | undefined) {
  const scroller = useRef<HTMLElement>(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (written) atEnd.current = true;
  }, [written]);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!open || !box?.firstElementChild) return undefined;
    atEnd.current = true;
    let before = 0;
    const toEnd = (): void => {
      if (atEnd.current) box.scrollTop = box.scrollHeight;
    };
    const scrolled = (): void => {
      const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_THE_END;
      // What comes between a step to the end and the news of it moves the end, and nobody has gone up.
      if (near || box.scrollTop < before) atEnd.current = near;
      before = box.scrollTop;
    };
    const observer = new ResizeObserver(toEnd);
    observer.observe(box);
    observer.observe(box.firstElementChild);
    box.addEventListener("scroll", scrolled);
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", scrolled);
    };
  }, [open]);
  return scroller;
}

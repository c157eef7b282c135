/** Rating's form after a close, in a frame of its own: the widget hands it the visitor's token, and no more. */
import { formatTag } from "@candor/ui/i18n.ts";
import { type Signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Chat } from "./chat.ts";
import { t } from "./texts.ts";

interface Props {
  chat: Chat;
  scheme: Signal<"light" | "dark">;
  panel: { current: HTMLDivElement | null };
}

/** How much of the panel's height stays for the rest. */
const REST = 120;

/** There is a frame whenever the newest dialog is closed; another close gets another one. */
export function FormFrame(props: Props): JSX.Element | null {
  const { chat } = props;
  const dialog = chat.dialog.value;
  const settings = chat.settings.value;
  if (!settings || dialog?.state !== "closed") return null;
  const address = `${settings.form_url}?channel=${encodeURIComponent(settings.channel)}`;
  const key = `${dialog.dialog} ${dialog.closes.length}`;
  return <Frame key={key} {...props} address={address} dialog={dialog.dialog} />;
}

function Frame({ chat, scheme, panel, address, dialog }: Props & { address: string; dialog: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const height = useSignal(0);
  const shown = useSignal(false);
  const asked = useRef(0);

  const tell = async (again: boolean): Promise<void> => {
    const message = { candor: "form", token: await chat.token(again), dialog, locale: formatTag.value };
    frame.current?.contentWindow?.postMessage({ ...message, theme: scheme.value }, new URL(address).origin);
  };
  useEffect(() => {
    const heard = ({ source, origin, data }: MessageEvent): void => {
      if (source !== frame.current?.contentWindow || origin !== new URL(address).origin) return;
      if (data?.candor !== "form") return;
      // Who asks once more was refused with the last one.
      if (data.wants === "token") void tell(asked.current++ > 0);
      if (typeof data.height === "number") height.value = data.height;
      if (data.state) shown.value = data.state === "shown";
    };
    addEventListener("message", heard);
    return () => removeEventListener("message", heard);
  }, [address, dialog]);
  useEffect(() => {
    if (asked.current > 0) void tell(false);
  }, [scheme.value]);

  const most = (panel.current?.clientHeight || innerHeight) - REST;
  const px = shown.value ? Math.max(0, Math.min(height.value, most)) : 0;
  return (
    <div class={px > 0 ? "form shown" : "form"}>
      <iframe ref={frame} src={address} title={t("form")} style={{ "--height": `${px}px` }} />
    </div>
  );
}

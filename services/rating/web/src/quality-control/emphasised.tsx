import type { JSX } from "preact";

/** A text, with what stands between stars in bold. */
export function Emphasised({ text }: { text: string }): JSX.Element {
  const parts = text.split("*");
  return <>{parts.map((part, at) => (at % 2 ? <b key={`${at} ${part}`}>{part}</b> : part))}</>;
}

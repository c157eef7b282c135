/** A text in parts: what stands between addresses, and the addresses, which begin with http. */
export function linked(text: string): string[] {
  return text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,:;!?)\]}'])/);
}

/** Keeps the panel of a phone above the keyboard, which covers the page without making it smaller. */
export function keepInView(panel: HTMLElement | null): () => void {
  const view = window.visualViewport;
  const fit = (): void => {
    panel?.style.setProperty("--view-height", `${view?.height ?? innerHeight}px`);
    panel?.style.setProperty("--view-top", `${view?.offsetTop ?? 0}px`);
  };
  fit();
  view?.addEventListener("resize", fit);
  view?.addEventListener("scroll", fit);
  return () => {
    view?.removeEventListener("resize", fit);
    view?.removeEventListener("scroll", fit);
  };
}

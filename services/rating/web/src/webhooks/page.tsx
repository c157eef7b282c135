/** Webhooks: the list of them, or one. */
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { List } from "./list.tsx";
import { OnePage } from "./one.tsx";
import { addressOf, type Place, placeOf, Store } from "./store.ts";
import { t } from "./texts.ts";

export function WebhooksPage({ liveChat }: { liveChat: string | null }): JSX.Element {
  const store = useMemo(() => new Store(), []);
  useEffect(() => whileOpen(store), [store]);
  const place = store.place.value;
  if (place.show === "list") return <List store={store} />;
  const id = place.show === "one" ? place.id : null;
  return <OnePage key={id} store={store} editor={store.editor(id)} liveChat={liveChat} />;
}

export function Forbidden(): JSX.Element {
  return (
    <div class="center">
      <h1>{t("forbidden.title")}</h1>
      <p>{t("forbidden.text")}</p>
      <a href="/quality-control">{t("forbidden.link")}</a>
    </div>
  );
}

/** Shows a place of the page, by its address. */
export function go(store: Store, place: Place, how: "push" | "replace" = "push"): void {
  history[`${how}State`](null, "", addressOf(place));
  store.place.value = place;
  scrollTo(0, 0);
}

/** A link within the page is followed without loading it; one to another tab is the browser's. */
export function within(store: Store, place: Place): (event: MouseEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(store, place);
  };
}

/** Keeps to the address, and asks whoever leaves with what is not saved. */
function whileOpen(store: Store): () => void {
  const look = (): void => {
    store.place.value = placeOf(location.search);
  };
  const leaving = (event: BeforeUnloadEvent): void => {
    if (store.isUnsaved()) event.preventDefault();
  };
  void store.loadChannels();
  addEventListener("popstate", look);
  addEventListener("beforeunload", leaving);
  return () => {
    removeEventListener("popstate", look);
    removeEventListener("beforeunload", leaving);
  };
}

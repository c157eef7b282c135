/** The webhooks, which of them is shown, and those that are being edited. */
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { batch, computed, signal } from "@preact/signals";
import { type Service, service } from "./calls.ts";
import { Editor } from "./editor.ts";
import { type Own, type Webhook, withOwn } from "./webhook.ts";

/** What the address names: the list, one webhook, or a new one. */
export type Place = { show: "list" } | { show: "one"; id: string } | { show: "new" };

export function placeOf(search: string): Place {
  const query = new URLSearchParams(search);
  const id = query.get("id");
  if (id) return { show: "one", id };
  return query.has("new") ? { show: "new" } : { show: "list" };
}

export function addressOf(place: Place): string {
  if (place.show === "one") return `?id=${encodeURIComponent(place.id)}`;
  return place.show === "new" ? "?new" : location.pathname;
}

export class Store {
  readonly place = signal<Place>(placeOf(location.search));
  readonly failure = signal<Problem | null>(null);
  /** Names of channels by their ids, as far as they are known. */
  readonly channels = signal<ReadonlyMap<string, string>>(new Map());
  readonly webhooks = computed<Webhook[] | null>(() =>
    this.#listed.value ? withOwn(this.#listed.value, this.#own.value) : null,
  );

  readonly #listed = signal<readonly Webhook[] | null>(null);
  readonly #own = signal<Own>(new Map());
  readonly #editors = new Map<string | null, Editor>();
  readonly #service: Service;

  constructor(calls: Service = service) {
    this.#service = calls;
  }

  async load(): Promise<void> {
    try {
      const listed = await this.#service.list();
      batch(() => {
        this.#listed.value = listed;
        this.failure.value = null;
      });
    } catch (error) {
      this.failure.value = asProblem(error);
    }
  }

  /** Without names, ids are shown. */
  async loadChannels(): Promise<void> {
    try {
      const channels = await this.#service.channels();
      this.channels.value = new Map(channels.map(({ channel, name }) => [channel, name]));
    } catch (error) {
      asProblem(error);
    }
  }

  /** Each keeps what is not saved while others are looked at. */
  editor(id: string | null): Editor {
    const editor = this.#editors.get(id) ?? new Editor(id, this.#service);
    this.#editors.set(id, editor);
    return editor;
  }

  isUnsaved(): boolean {
    return [...this.#editors.values()].some((editor) => editor.unsaved.peek());
  }

  saved(webhook: Webhook): void {
    this.#own.value = new Map([...this.#own.peek(), [webhook.webhook, webhook]]);
  }

  /** A new webhook is there, and is shown from now on by its own address. */
  made(webhook: Webhook): void {
    this.#editors.delete(null);
    this.#editors.delete(webhook.webhook);
    this.editor(webhook.webhook).savedAt.value = Date.now();
    this.saved(webhook);
  }

  deleted(id: string): void {
    this.#editors.delete(id);
    this.#own.value = new Map([...this.#own.peek(), [id, null]]);
  }
}

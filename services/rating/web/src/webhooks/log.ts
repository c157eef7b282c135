/** What was and will be sent to a webhook: looked at again while something is due. */
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { batch, computed, signal } from "@preact/signals";
import { type Service, service } from "./calls.ts";
import type { Delivery, DeliveryState } from "./webhook.ts";

const PAGE = 20;
const MOST_AT_ONCE = 100;
/** How soon something is due that is waited for. */
const SOON_MS = 10_000;

export class DeliveryLog {
  /** The newest first; null until they were read. */
  readonly deliveries = signal<readonly Delivery[] | null>(null);
  readonly state = signal<DeliveryState | null>(null);
  readonly failure = signal<Problem | null>(null);
  /** How much was sent again by hand, all at once; null if it wasn't. */
  readonly redelivered = signal<number | null>(null);
  readonly more = computed(() => this.#cursor.value !== null);

  readonly #cursor = signal<string | null>(null);
  readonly #id: string;
  readonly #service: Service;
  #asked = 0;

  constructor(id: string, calls: Service = service) {
    this.#id = id;
    this.#service = calls;
  }

  /** Whether a look in a moment may show something else. */
  isDue(now: number): boolean {
    return (this.deliveries.peek() ?? []).some(
      ({ due_at }) => due_at !== null && Date.parse(due_at) < now + SOON_MS,
    );
  }

  choose(state: DeliveryState | null): Promise<void> {
    batch(() => {
      this.state.value = state;
      this.deliveries.value = null;
      this.redelivered.value = null;
    });
    return this.load();
  }

  /** The newest, as many as are shown. */
  async load(): Promise<void> {
    const shown = this.deliveries.peek()?.length ?? 0;
    await this.#read(null, Math.min(Math.max(shown, PAGE), MOST_AT_ONCE));
  }

  async older(): Promise<void> {
    if (this.#cursor.peek()) await this.#read(this.#cursor.peek(), PAGE);
  }

  async redeliver(delivery: string): Promise<void> {
    await this.#act(async () => {
      await this.#service.redeliver(this.#id, delivery);
    });
  }

  async redeliverFailed(): Promise<void> {
    await this.#act(async () => {
      this.redelivered.value = await this.#service.redeliverFailed(this.#id);
    });
  }

  async #act(call: () => Promise<void>): Promise<void> {
    try {
      await call();
      await this.load();
    } catch (error) {
      this.failure.value = asProblem(error);
    }
  }

  async #read(cursor: string | null, limit: number): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const page = await this.#service.deliveries(this.#id, this.state.peek(), cursor, limit);
      // Another filter, or a later look, has overtaken this one.
      if (asked !== this.#asked) return;
      batch(() => {
        this.deliveries.value = cursor
          ? [...(this.deliveries.peek() ?? []), ...page.deliveries]
          : page.deliveries;
        this.#cursor.value = page.next_cursor;
        this.failure.value = null;
      });
    } catch (error) {
      if (asked === this.#asked) this.failure.value = asProblem(error);
    }
  }
}

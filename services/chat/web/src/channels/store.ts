/** The channels that somebody may see, how they are being edited, and which of them is shown. */
import { client, data, type TokenSource } from "@candor/ui/api.ts";
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { batch, computed, signal } from "@preact/signals";
import type { paths } from "../api.gen.d.ts";
import { bodyOf, type Channel, changed, newChannel, rebased, type Wrong, wrongBy, wrongIn } from "./form.ts";

/** The id under which a channel is edited that is not there yet: no channel can have it. */
export const NEW = "+";

export class Store {
  /** Null until they were read. */
  readonly channels = signal<readonly Channel[] | null>(null);
  readonly problem = signal<Problem | null>(null);
  readonly chosen = signal<string | null>(null);
  readonly saving = signal(false);
  readonly refused = signal<Problem | null>(null);
  /** Said once after it was saved. */
  readonly saved = signal(false);
  /** What the service refused; it stands until the channel is changed. */
  private readonly found = signal<Wrong>({});
  /** Errors are shown once somebody wanted to save: nobody is told off while typing. */
  private readonly shown = signal(false);
  /** Channels with unsaved changes, by their ids: each keeps them until they are saved or discarded. */
  readonly edits = signal<ReadonlyMap<string, Channel>>(new Map());

  readonly before = computed<Channel | null>(() => {
    const id = this.chosen.value;
    if (id === NEW) return newChannel(Intl.DateTimeFormat().resolvedOptions().timeZone);
    return this.channels.value?.find(({ channel }) => channel === id) ?? null;
  });
  readonly edited = computed(() => this.edits.value.get(this.chosen.value ?? "") ?? this.before.value);
  readonly changes = computed(() => {
    const [before, edited] = [this.before.value, this.edited.value];
    return before && edited ? changed(before, edited) : [];
  });
  readonly wrong = computed<Wrong>(() => ({ ...(this.shown.value ? this.own() : {}), ...this.found.value }));

  private readonly api;

  constructor(token: TokenSource) {
    this.api = client<paths>("", token);
  }

  async read(): Promise<void> {
    try {
      const found = await data(this.api.GET("/v1/channels"));
      batch(() => {
        this.channels.value = found?.channels ?? [];
        this.problem.value = null;
      });
    } catch (error) {
      this.problem.value = asProblem(error);
    }
  }

  choose(id: string | null): void {
    batch(() => {
      this.chosen.value = id;
      this.reset();
    });
  }

  edit(part: Partial<Channel>): void {
    const [id, edited] = [this.chosen.peek(), this.edited.peek()];
    if (!id || !edited) return;
    batch(() => {
      this.edits.value = new Map([...this.edits.peek(), [id, { ...edited, ...part }]]);
      this.found.value = {};
      this.saved.value = false;
    });
  }

  discard(): void {
    batch(() => {
      this.forget(this.chosen.peek());
      this.reset();
    });
  }

  /** Saves what is shown; false if something is wrong with it or it was refused. */
  async save(): Promise<boolean> {
    const edited = this.edited.peek();
    if (!edited || this.changes.peek().length === 0 || this.saving.peek()) return false;
    this.shown.value = true;
    if (Object.keys(this.own()).length > 0) return false;
    this.saving.value = true;
    try {
      const header = edited.version
        ? { "if-match": `"${edited.version}"` }
        : { "if-none-match": "*" as const };
      const params = { path: { channel: edited.channel }, header };
      const now = await data(this.api.PUT("/v1/channels/{channel}", { params, body: bodyOf(edited) }));
      this.published(now as Channel);
      return true;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code === "changed-meanwhile") await this.rebase(edited);
      batch(() => {
        this.refused.value = problem;
        this.found.value = wrongBy(problem.fields);
      });
      return false;
    } finally {
      this.saving.value = false;
    }
  }

  /** Takes in what somebody else made of the channel; what was changed here stays changed. */
  private async rebase(edited: Channel): Promise<void> {
    const saved = this.before.peek();
    await this.read();
    const now = this.before.peek();
    if (!saved || !now || this.chosen.peek() === NEW) return;
    this.edits.value = new Map([...this.edits.peek(), [edited.channel, rebased(saved, edited, now)]]);
  }

  private published(channel: Channel): void {
    const others = (this.channels.peek() ?? []).filter((each) => each.channel !== channel.channel);
    const all = [...others, channel].sort((one, other) => (one.channel < other.channel ? -1 : 1));
    batch(() => {
      this.channels.value = all;
      this.forget(this.chosen.peek());
      this.chosen.value = channel.channel;
      this.reset();
      this.saved.value = true;
    });
  }

  private forget(id: string | null): void {
    this.edits.value = new Map([...this.edits.peek()].filter(([each]) => each !== id));
  }

  private reset(): void {
    this.found.value = {};
    this.shown.value = false;
    this.refused.value = null;
    this.saved.value = false;
  }

  private own(): Wrong {
    const edited = this.edited.value;
    const known = new Set(this.channels.value?.map(({ channel }) => channel));
    return edited ? wrongIn(edited, this.chosen.value === NEW ? known : null) : {};
  }
}

/** One webhook while it is changed: nothing that was typed is lost, whoever saves in between. */
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { batch, computed, signal } from "@preact/signals";
import { type Service, service } from "./calls.ts";
import {
  type Draft,
  differences,
  draftOf,
  newDraft,
  rebased,
  type Webhook,
  type Wrong,
  wrongBy,
  wrongIn,
} from "./webhook.ts";

/** Somebody saved since it was read: what it was before, and what they made of it. */
export interface Meanwhile {
  before: Draft;
  theirs: Draft;
}

export class Editor {
  /** As it is saved; null for one that is new, and until it was read. */
  readonly saved = signal<Webhook | null>(null);
  readonly draft = signal<Draft>(newDraft());
  /** The id of one that is new. */
  readonly id = signal("");
  readonly failure = signal<Problem | null>(null);
  readonly refusal = signal<Problem | null>(null);
  readonly meanwhile = signal<Meanwhile | null>(null);
  readonly busy = signal(false);
  /** When it was saved last on this page. */
  readonly savedAt = signal(0);
  /** The secret, while it is shown. */
  readonly secret = signal<string | null>(null);

  readonly #refused = signal<Wrong>({});
  /** Errors are shown once somebody wanted to save: nobody is told off while typing. */
  readonly #told = signal(false);

  readonly changes = computed(() => {
    const saved = this.saved.value;
    return differences(saved ? draftOf(saved) : newDraft(), this.draft.value);
  });
  readonly unsaved = computed(() => this.changes.value.length > 0 || (this.isNew && this.id.value !== ""));
  readonly wrong = computed<Wrong>(() => ({
    ...(this.#told.value ? wrongIn(this.draft.value, this.name) : {}),
    ...this.#refused.value,
  }));

  /** The webhook's id; null for a new one. */
  readonly known: string | null;
  readonly isNew: boolean;
  readonly #service: Service;

  constructor(known: string | null, calls: Service = service) {
    this.known = known;
    this.isNew = known === null;
    this.#service = calls;
  }

  get name(): string {
    return this.known ?? this.id.value.trim();
  }

  async load(): Promise<void> {
    if (this.known === null) return;
    try {
      this.#take(await this.#service.read(this.known));
      this.failure.value = null;
    } catch (error) {
      this.failure.value = asProblem(error);
    }
  }

  /** How it fares now. What somebody else made of it waits until nothing is unsaved here, or it is to be saved. */
  async look(): Promise<void> {
    try {
      const next = await this.#service.read(this.name);
      if (next.version === this.saved.value?.version || !this.unsaved.value) this.#take(next);
    } catch (error) {
      asProblem(error);
    }
  }

  change(part: Partial<Draft>): void {
    batch(() => {
      this.draft.value = { ...this.draft.value, ...part };
      this.#refused.value = {};
    });
  }

  discard(): void {
    const saved = this.saved.value;
    batch(() => {
      this.draft.value = saved ? draftOf(saved) : newDraft();
      this.id.value = "";
      this.#told.value = false;
      this.#refused.value = {};
      this.refusal.value = null;
      this.meanwhile.value = null;
    });
  }

  /** Saves, and so switches on again what was gone; what was saved, or null. */
  async save(): Promise<Webhook | null> {
    if (this.busy.value) return null;
    this.#told.value = true;
    if (Object.keys(wrongIn(this.draft.value, this.name)).length > 0) return null;
    const [draft, version] = [this.draft.value, this.saved.value?.version ?? 0];
    const sent = { ...draft, url: draft.url.trim() };
    const next = await this.#try(() => this.#service.save(this.name, version, sent));
    if (!next) return null;
    batch(() => {
      this.#take(next, draft);
      this.meanwhile.value = null;
      this.#told.value = false;
      this.savedAt.value = Date.now();
    });
    return next;
  }

  async delete(): Promise<boolean> {
    return (await this.#try(async () => this.#service.delete(this.name).then(() => true))) ?? false;
  }

  async showSecret(): Promise<void> {
    this.secret.value = await this.#try(() => this.#service.secret(this.name));
  }

  async rotate(): Promise<void> {
    const version = this.saved.value?.version ?? 0;
    const secret = await this.#try(() => this.#service.rotate(this.name, version));
    if (!secret) return;
    this.secret.value = secret;
    await this.load();
  }

  /** What came of a call; null if it was refused, which is said. */
  async #try<Result>(call: () => Promise<Result>): Promise<Result | null> {
    batch(() => {
      this.busy.value = true;
      this.refusal.value = null;
    });
    try {
      return await call();
    } catch (error) {
      await this.#say(asProblem(error));
      return null;
    } finally {
      this.busy.value = false;
    }
  }

  async #say(problem: Problem): Promise<void> {
    this.#refused.value = wrongBy(problem.fields);
    if (problem.code !== "webhook-changed") {
      if (Object.keys(this.#refused.value).length === 0) this.refusal.value = problem;
    } else if (this.isNew) {
      this.#refused.value = { id: "taken" };
    } else {
      await this.#rebase();
    }
  }

  /** Takes in what somebody else made of it; what was changed here stays changed. */
  async #rebase(): Promise<void> {
    const before = this.saved.value;
    try {
      const theirs = await this.#service.read(this.name);
      batch(() => {
        if (before) {
          const known = this.meanwhile.value?.before ?? draftOf(before);
          this.meanwhile.value = { before: known, theirs: draftOf(theirs) };
        }
        this.#take(theirs);
      });
    } catch (error) {
      this.refusal.value = asProblem(error);
    }
  }

  /** What was changed since `base`, which is what was sent or read, stays changed. */
  #take(next: Webhook, base?: Draft): void {
    const saved = this.saved.value;
    const from = base ?? (saved ? draftOf(saved) : null);
    batch(() => {
      this.draft.value = from ? rebased(from, this.draft.value, draftOf(next)) : draftOf(next);
      this.saved.value = next;
    });
  }
}

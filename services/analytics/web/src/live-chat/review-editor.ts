/** What supervisors write about one close: it saves itself, and nothing typed is lost, whoever writes in between. */
import { client, data } from "@candor/ui/api.ts";
import { asProblem, mayPass, type Problem } from "@candor/ui/problems.ts";
import { token } from "@candor/ui/session.ts";
import { batch, computed, signal } from "@preact/signals";
import type { components, paths } from "../api.gen.d.ts";

export type CloseReview = components["schemas"]["CloseReview"];
export type ReviewChange = components["schemas"]["ReviewChange"];
export type Status = CloseReview["status"];
export type ExclusionReason = NonNullable<CloseReview["excluded"]>;
export interface CloseKey {
  dialog: string;
  close_seq: number;
}

export const QUIET_MS = 800;
const RETRY_MS = 10_000;

const api = client<paths>("", token);
const told = (path: CloseKey, version: number) => ({ path, header: { "if-match": `"${version}"` } });
const PATH = "/v1/live-chat/closes/{dialog}/{close_seq}/review";

/** What the page asks of the service; each throws a `Problem`. */
export const service = {
  read: (path: CloseKey): Promise<CloseReview> => data(api.GET(PATH, { params: { path } })),
  history: async (path: CloseKey): Promise<ReviewChange[]> =>
    (await data(api.GET(`${PATH}/history`, { params: { path } }))).changes,
  note: (path: CloseKey, version: number, note: string): Promise<CloseReview> =>
    data(api.PUT(`${PATH}/note`, { params: told(path, version), body: { note } })),
  status: (path: CloseKey, version: number, status: Status): Promise<CloseReview> =>
    data(api.PUT(`${PATH}/status`, { params: told(path, version), body: { status } })),
  ownScore: (path: CloseKey, version: number, score: number | null): Promise<CloseReview> =>
    data(api.PUT(`${PATH}/own-score`, { params: told(path, version), body: { score } })),
  exclusion: (path: CloseKey, version: number, reason: ExclusionReason | null): Promise<CloseReview> =>
    data(api.PUT(`${PATH}/exclusion`, { params: told(path, version), body: { reason } })),
};
export type Service = typeof service;

/** What was written by whom when: whether somebody else wrote since, it tells. */
const author = ({ note_written: written }: CloseReview): string => JSON.stringify(written);

export class ReviewEditor {
  /** As the service has it. */
  readonly written = signal<CloseReview>({} as CloseReview);
  /** What is typed and not saved; null for nothing. */
  readonly draft = signal<string | null>(null);
  readonly isSaving = signal(false);
  /** Whether somebody else has changed the note that the draft was made from. */
  readonly isOvertaken = signal(false);
  /** Why the note, or else something, was not saved. */
  readonly noteProblem = signal<Problem | null>(null);
  readonly problem = signal<Problem | null>(null);
  readonly note = computed(() => this.draft.value ?? this.written.value.note?.text ?? "");

  readonly #close: CloseKey;
  readonly #service: Service;
  readonly #changed: (review: CloseReview) => void;
  /** What the draft was made from. */
  #base: CloseReview;
  #waiting: ReturnType<typeof setTimeout> | undefined;
  #last: Promise<void> = Promise.resolve();

  /** `changed` is told whatever was saved here. */
  constructor(
    close: CloseKey,
    written: CloseReview,
    changed: (review: CloseReview) => void = () => {},
    calls: Service = service,
  ) {
    this.#close = close;
    this.#service = calls;
    this.#changed = changed;
    this.written.value = this.#base = written;
  }

  /** Takes what was read from the service; what is older than what is known is dropped. */
  take(read: CloseReview): void {
    const isNewer = read.version > this.written.value.version;
    // A client is erased without a new version.
    const isErased =
      read.version === this.written.value.version && read.note?.state !== this.written.value.note?.state;
    if (!isNewer && !isErased) return;
    batch(() => {
      this.written.value = read;
      if (this.draft.value === null) this.#base = read;
      else this.isOvertaken.value = author(read) !== author(this.#base);
    });
  }

  /** The note as it is typed; it is saved once nothing was typed for a moment. */
  type(text: string): void {
    this.draft.value = text;
    this.#saveAfter(QUIET_MS);
  }

  /** Saves the note now, if anything of it is not saved. */
  flush(): Promise<void> {
    clearTimeout(this.#waiting);
    return this.#inTurn(() => this.#saveNote());
  }

  /** Puts the draft in the place of what somebody else wrote. */
  keepMine(): Promise<void> {
    this.#base = this.written.value;
    this.isOvertaken.value = false;
    return this.flush();
  }

  /** Drops the draft for what somebody else wrote. */
  takeTheirs(): void {
    batch(() => {
      this.#base = this.written.value;
      this.draft.value = null;
      this.isOvertaken.value = false;
      this.noteProblem.value = null;
    });
  }

  setStatus(status: Status): Promise<void> {
    return this.#inTurn(() =>
      this.#sent(() => this.#service.status(this.#close, this.written.value.version, status)),
    );
  }

  setOwnScore(score: number | null): Promise<void> {
    return this.#inTurn(() =>
      this.#sent(() => this.#service.ownScore(this.#close, this.written.value.version, score)),
    );
  }

  /** Leaves the close out of the numbers, or takes it in again. */
  exclude(reason: ExclusionReason | null): Promise<void> {
    return this.#inTurn(() =>
      this.#sent(() => this.#service.exclusion(this.#close, this.written.value.version, reason)),
    );
  }

  history(): Promise<ReviewChange[]> {
    return this.#service.history(this.#close);
  }

  #saveAfter(wait: number): void {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => void this.flush(), wait);
  }

  /** One write after the other: each names the version that the one before gave. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    this.#last = this.#last.catch(() => {}).then(write);
    return this.#last;
  }

  async #saveNote(): Promise<void> {
    const draft = this.draft.value;
    if (draft === null || this.isOvertaken.value) return;
    this.isSaving.value = true;
    try {
      const saved = await this.#service.note(this.#close, this.#base.version, draft);
      batch(() => {
        this.#base = saved;
        this.noteProblem.value = null;
        if (this.draft.value === draft) this.draft.value = null;
        this.#saved(saved);
      });
    } catch (error) {
      this.noteProblem.value = asProblem(error);
      if (this.noteProblem.value.code === "changed-meanwhile") await this.#readAgain(this.noteProblem);
      else if (mayPass(this.noteProblem.value)) this.#saveAfter(RETRY_MS);
    } finally {
      this.isSaving.value = false;
    }
  }

  async #sent(call: () => Promise<CloseReview>): Promise<void> {
    try {
      const saved = await call();
      batch(() => {
        this.problem.value = null;
        this.#saved(saved);
      });
    } catch (error) {
      this.problem.value = asProblem(error);
      if (this.problem.value.code === "changed-meanwhile") await this.#readAgain(this.problem);
    }
  }

  /** What this page saved: a draft that stands beside it was made from the note that is there still. */
  #saved(review: CloseReview): void {
    this.take(review);
    this.#changed(review);
  }

  async #readAgain(failed: { value: Problem | null }): Promise<void> {
    try {
      const read = await this.#service.read(this.#close);
      this.take(read);
      this.#changed(read);
    } catch (error) {
      failed.value = asProblem(error);
    }
  }
}

/** One form on the page: what is known of it, what its client is about to say, and the sending of that. */
import { asProblem, Problem } from "@candor/ui/problems.ts";
import { batch, signal } from "@preact/signals";
import { type Draft, type Drafts, EMPTY } from "./draft.ts";
import {
  type Answered,
  type Declined,
  type Form,
  followUpsOf,
  lengthOf,
  needsComment,
  type Sent,
  tagsWith,
} from "./form.ts";

/** What the store asks of the service; each throws a `Problem`. */
export interface Calls {
  read: (token: string) => Promise<Form>;
  answer: (token: string, answer: Sent) => Promise<Answered>;
  decline: (token: string) => Promise<Declined>;
}

/** `waiting`: it could not be sent, and is tried again. */
export type Sending = "idle" | "sending" | "waiting";

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;
/** After these the form is another than was thought: it is read anew. */
const CHANGED = [
  "no-such-form",
  "client-erased",
  "form-withdrawn",
  "rating-window-over",
  "change-window-over",
  "changed-too-often",
  "already-rated",
];

export class FormStore {
  readonly form = signal<Form | null>(null);
  readonly draft = signal<Draft>(EMPTY);
  /** The client wants to answer again: to change an answer, or after "No, thanks". */
  readonly open = signal(false);
  readonly sending = signal<Sending>("idle");
  /** What a service said last that concerns the whole form, or the field for the comment. */
  readonly refusal = signal<Problem | null>(null);
  readonly wrongComment = signal<Problem | null>(null);
  /** Why nothing can be shown. */
  readonly failure = signal<Problem | null>(null);

  readonly #calls: Calls;
  readonly #drafts: Drafts;
  #tryNow: () => void = () => undefined;

  constructor(calls: Calls, drafts: Drafts) {
    this.#calls = calls;
    this.#drafts = drafts;
  }

  /** Shows a form as it is now; what was typed into it is kept. */
  show(form: Form): void {
    const before = this.form.value;
    batch(() => {
      this.form.value = form;
      this.failure.value = null;
      if (before?.form === form.form) return;
      const draft = this.#drafts.read(form.form);
      this.draft.value = draft ?? EMPTY;
      this.open.value = draft !== null && form.state !== "pending";
      this.refusal.value = null;
      this.wrongComment.value = null;
    });
    if (this.draft.value.due) void this.send();
  }

  /** Nothing can be shown; a form that is there stays. */
  fail(problem: Problem): void {
    if (!this.form.value) this.failure.value = problem;
  }

  forget(): void {
    this.form.value = null;
  }

  /** Shows a form as it would be, with a score chosen. */
  preview(form: Form, score: number | null): void {
    batch(() => {
      this.form.value = form;
      this.open.value = false;
      this.draft.value = { ...EMPTY, score };
      this.wrongComment.value = null;
    });
  }

  choose(score: number): void {
    this.#edit({ score });
    if (!this.#missesComment()) this.wrongComment.value = null;
  }

  write(comment: string): void {
    this.#edit({ comment });
    this.wrongComment.value = null;
  }

  tag(id: string, on: boolean): void {
    const others = this.draft.value.tags.filter((each) => each !== id);
    this.#edit({ tags: on ? [...others, id] : others });
  }

  /** Answers a follow-up question, by an option's id or in words; "" for not at all. */
  followUp(id: string, text: string): void {
    this.#edit({ followUps: { ...this.draft.value.followUps, [id]: text } });
  }

  /** Opens the form again, filled with what was answered. */
  answerAgain(): void {
    const answer = this.form.value?.answer;
    batch(() => {
      this.open.value = true;
      this.refusal.value = null;
      if (!answer) return;
      const { score, comment, tags } = answer;
      this.draft.value = { score, comment: comment?.text ?? "", tags, followUps: followUpsOf(answer) };
    });
  }

  /** Leaves what was answered as it is. */
  close(): void {
    batch(() => {
      this.open.value = false;
      this.#settle();
    });
  }

  /** Sends the answer, until it arrives or is refused. False if a comment is missing or too long. */
  async send(): Promise<boolean> {
    const form = this.form.value;
    if (!form || this.draft.value.score === null || this.sending.value === "sending") return true;
    if (this.sending.value === "waiting") {
      this.#tryNow();
      return true;
    }
    if (this.#isWrong(form)) return false;
    this.#edit({ due: true });
    const answered = await this.#told(() => this.#calls.answer(form.token, toSend(form, this.draft.value)));
    if (answered) {
      const { thanks, ...known } = answered;
      batch(() => {
        this.form.value = { ...form, ...known, texts: { ...form.texts, thanks } };
        this.open.value = false;
        this.#settle();
      });
    }
    return true;
  }

  async decline(): Promise<void> {
    const form = this.form.value;
    if (!form || this.sending.value !== "idle") return this.#tryNow();
    const declined = await this.#told(() => this.#calls.decline(form.token));
    if (declined) {
      batch(() => {
        this.form.value = { ...form, ...declined };
        this.open.value = false;
        this.#settle();
      });
    }
  }

  /** Reads the form again, by its token. */
  async refresh(): Promise<void> {
    const form = this.form.value;
    if (!form) return;
    try {
      this.show(await this.#calls.read(form.token));
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 404) {
        batch(() => {
          this.form.value = null;
          this.failure.value = problem;
        });
      }
    }
  }

  async #told<T>(call: () => Promise<T>): Promise<T | null> {
    this.refusal.value = null;
    for (let failures = 0; ; failures += 1) {
      this.sending.value = "sending";
      try {
        return await call();
      } catch (error) {
        const problem = asProblem(error);
        if (!passes(problem)) {
          await this.#refused(problem);
          return null;
        }
        batch(() => {
          this.refusal.value = problem;
          this.sending.value = "waiting";
        });
        await this.#pause(failures);
      } finally {
        if (this.sending.value === "sending") this.sending.value = "idle";
      }
    }
  }

  async #refused(problem: Problem): Promise<void> {
    this.#edit({ due: false });
    if (problem.code.startsWith("comment-")) {
      this.wrongComment.value = problem;
      return;
    }
    if (CHANGED.includes(problem.code)) {
      await this.refresh();
      this.open.value = false;
      this.#settle();
    }
    this.refusal.value = problem;
  }

  #pause(failures: number): Promise<void> {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        removeEventListener("online", over);
        this.#tryNow = () => undefined;
        resolve();
      };
      const timer = setTimeout(over, longest * (0.5 + Math.random() / 2));
      addEventListener("online", over);
      this.#tryNow = over;
    });
  }

  #edit(part: Partial<Draft>): void {
    const form = this.form.value;
    this.draft.value = { ...this.draft.value, ...part };
    if (form) this.#drafts.write(form.form, this.draft.value);
  }

  #settle(): void {
    if (this.form.value) this.#drafts.write(this.form.value.form, null);
    this.draft.value = EMPTY;
    this.wrongComment.value = null;
    this.refusal.value = null;
  }

  #missesComment(): boolean {
    const { score, comment } = this.draft.value;
    const form = this.form.value;
    return form !== null && score !== null && needsComment(form, score) && comment.trim() === "";
  }

  #isWrong(form: Form): boolean {
    const over = lengthOf(this.draft.value.comment) - form.comment.max_length;
    if (form.comment.mode === "off") return false;
    if (this.#missesComment()) this.wrongComment.value = new Problem("comment-required");
    else if (over > 0) this.wrongComment.value = new Problem("comment-too-long", 0, { facts: { over } });
    else return false;
    return true;
  }
}

/** The whole answer; of the follow-up questions those alone that are answered in another way than before. */
function toSend(form: Form, { score, comment, tags, followUps }: Draft): Sent {
  const chosen = score ?? form.scale.lowest;
  const before = followUpsOf(form.answer);
  const answers = form.follow_ups.map(({ id }): [string, string] => [id, followUps[id]?.trim() ?? ""]);
  return {
    score: chosen,
    comment: changed(form, comment),
    tags: tagsWith(form, chosen)
      .map(({ id }) => id)
      .filter((id) => tags.includes(id)),
    follow_ups: Object.fromEntries(answers.filter(([id, text]) => text !== (before[id] ?? ""))),
  };
}

/** The comment to send: null leaves what is stored as it is. */
function changed(form: Form, comment: string): string | null {
  if (form.comment.mode === "off") return null;
  return comment === (form.answer?.comment?.text ?? "") ? null : comment;
}

/** Whether it may well work a little later. */
function passes({ code, status }: Problem): boolean {
  return code === "offline" || status >= 500 || status === 429 || (status === 0 && code === "unavailable");
}

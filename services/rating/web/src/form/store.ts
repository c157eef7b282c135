/** One form on the page: what is known of it, what its client is about to say, and the sending of that. */
import { asProblem, mayPass, Problem } from "@candor/ui/problems.ts";
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
  /** Counts what was learnt of a form, and asked: what was asked for before the last of it is older. */
  #reads = 0;

  constructor(calls: Calls, drafts: Drafts) {
    this.#calls = calls;
    this.#drafts = drafts;
  }

  /** Shows a form as it is now; what was typed into it is kept. */
  show(form: Form): void {
    const isSame = this.#shows(form);
    this.#reads += 1;
    batch(() => {
      if (!isSame) this.forget();
      this.form.value = form;
      this.failure.value = null;
      if (isSame) return;
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

  /** Shows nothing. What waits is tried once more; if that fails, it is sent when its form is shown again. */
  forget(): void {
    batch(() => {
      this.form.value = null;
      this.failure.value = null;
      this.sending.value = "idle";
    });
    this.#reads += 1;
    this.#tryNow();
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
    const chosen = this.draft.value;
    if (!form || !isChosen(chosen) || this.sending.value === "sending") return true;
    if (this.#isWrong(form)) return false;
    this.#edit({ due: true });
    if (this.sending.value === "waiting") {
      this.#tryNow();
      return true;
    }
    let draft = chosen;
    const answered = await this.#told(form, () => {
      // Another form may be shown by now, and its draft is not this one's.
      if (this.#shows(form) && isChosen(this.draft.value)) draft = this.draft.value;
      return this.#calls.answer(form.token, toSend(form, draft));
    });
    if (answered) {
      const { thanks, ...known } = answered;
      this.#became({ ...form, ...known, texts: { ...form.texts, thanks } });
    }
    return true;
  }

  async decline(): Promise<void> {
    const form = this.form.value;
    if (!form || this.sending.value !== "idle") return this.#tryNow();
    const declined = await this.#told(form, () => this.#calls.decline(form.token));
    if (!declined) return;
    const draft = this.draft.value;
    this.#became({ ...form, ...declined });
    // While "No, thanks" was waiting they thought better of it.
    if (this.#shows(form) && isChosen(draft)) {
      this.open.value = true;
      this.#edit(draft);
      if (draft.due) await this.send();
    }
  }

  /** Reads the form again, by its token. */
  async refresh(): Promise<void> {
    const form = this.form.value;
    if (!form) return;
    this.#reads += 1;
    const mine = this.#reads;
    try {
      const read = await this.#calls.read(form.token);
      if (mine === this.#reads) this.show(read);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 404 && mine === this.#reads) {
        batch(() => {
          this.form.value = null;
          this.failure.value = problem;
        });
      }
    }
  }

  /** Tells the service of a form until it is heard; null if it refuses, or if another form is shown meanwhile. */
  async #told<T>(form: Form, call: () => Promise<T>): Promise<T | null> {
    this.refusal.value = null;
    for (let failures = 0; ; failures += 1) {
      if (this.#shows(form)) this.sending.value = "sending";
      try {
        return await call();
      } catch (error) {
        const problem = asProblem(error);
        if (!this.#shows(form)) return null;
        if (!mayPass(problem)) {
          await this.#refused(form, problem);
          return null;
        }
        batch(() => {
          this.refusal.value = problem;
          this.sending.value = "waiting";
        });
        await this.#pause(failures);
      } finally {
        if (this.#shows(form)) this.sending.value = "idle";
      }
    }
  }

  async #refused(form: Form, problem: Problem): Promise<void> {
    this.#edit({ due: false });
    if (problem.code.startsWith("comment-")) {
      this.wrongComment.value = problem;
      return;
    }
    if (CHANGED.includes(problem.code)) {
      await this.refresh();
      if (this.form.value && !this.#shows(form)) return;
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

  #shows({ form }: Form): boolean {
    return this.form.value?.form === form;
  }

  /** Takes what has become of a form by what its client sent. */
  #became(form: Form): void {
    this.#drafts.write(form.form, null);
    if (!this.#shows(form)) return;
    this.#reads += 1;
    batch(() => {
      this.form.value = form;
      this.open.value = false;
      this.#settle();
    });
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

type Chosen = Draft & { score: number };

function isChosen(draft: Draft): draft is Chosen {
  return draft.score !== null;
}

/** The whole answer; of the follow-up questions those alone that are answered in another way than before. */
function toSend(form: Form, { score, comment, tags, followUps }: Chosen): Sent {
  const before = followUpsOf(form.answer);
  const answers = form.follow_ups.map(({ id }): [string, string] => [id, followUps[id]?.trim() ?? ""]);
  return {
    score,
    comment: changed(form, comment),
    tags: tagsWith(form, score)
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

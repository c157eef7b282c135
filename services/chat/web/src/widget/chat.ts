/** The conversation of this browser with a channel: what was read, what waits to be sent, who writes. */
import { asProblem, mayPass, type Problem } from "@candor/ui/problems.ts";
import { computed, signal } from "@preact/signals";
import { coalesced } from "../coalesced.ts";
import type { Api, OwnDialog, Settings } from "./api.ts";
import { itemsOf, type Message, merged, operatorsMessages, type Transcript, unread } from "./conversation.ts";
import type { Memory } from "./memory.ts";
import { Outbox, type Unsent } from "./outbox.ts";
import type { Visitor } from "./visitor.ts";

/** How many of a visitor's dialogs are shown, the newest ones. */
const MOST_DIALOGS = 3;
const SEEN = "seen";
const RETRY_MS = 5_000;
/** The dialog can take no more, so that the message goes into another one. */
const ANOTHER = ["closed-too-often", "dialog-full", "dialog-too-large", "no-such-dialog", "opened-otherwise"];
/** The visitor is none any more. */
const NOBODY = ["client-erased", "visitor-expired", "token-invalid", "token-expired", "token-missing"];

export class Chat {
  readonly settings = signal<Settings | null>(null);
  readonly transcripts = signal<readonly Transcript[]>([]);
  readonly offline = signal(!navigator.onLine);
  /** Whether the visitor's dialogs were read at least once, or there is no visitor. */
  readonly known = signal(false);
  readonly outbox: Outbox;
  readonly lasting: boolean;
  private readonly sent = signal<readonly Message[]>([]);
  private readonly seen = signal("");
  private readonly api: Api;
  private readonly memory: Memory;
  private readonly visitor: Visitor;
  private stop: (() => void) | null = null;

  readonly items = computed(() =>
    itemsOf(this.transcripts.value, this.sent.value, this.outbox.messages.value),
  );
  readonly unread = computed(() => unread(this.transcripts.value, this.seen.value));
  /** The dialog that is written to: the newest one. */
  readonly dialog = computed(() => this.transcripts.value.at(-1) ?? null);

  constructor(api: Api, memory: Memory, visitor: Visitor) {
    this.api = api;
    this.memory = memory;
    this.visitor = visitor;
    this.lasting = memory.lasting;
    this.seen.value = memory.get(SEEN) ?? "";
    this.outbox = new Outbox(memory, (message) => this.deliver(message));
  }

  /** Reads what there is, and follows it while the page is visible. Throws a `Problem`. */
  async start(): Promise<void> {
    this.settings.value = await this.api.settings();
    this.known.value = this.visitor.client === null;
    document.addEventListener("visibilitychange", () => this.follow());
    addEventListener("storage", () => this.otherTab());
    for (const event of ["online", "offline"]) {
      addEventListener(event, () => {
        this.offline.value = !navigator.onLine;
      });
    }
    this.follow();
    void this.outbox.flush();
  }

  send(text: string): void {
    this.outbox.add(crypto.randomUUID(), text, new Date());
  }

  /** The visitor sees what is there. */
  see(): void {
    const last = operatorsMessages(this.transcripts.value).at(-1)?.posted_at;
    if (!last || last <= this.seen.value) return;
    this.seen.value = last;
    this.memory.set(SEEN, last);
  }

  token(again: boolean): Promise<string | null> {
    return this.visitor.token(again);
  }

  private otherTab(): void {
    this.outbox.read();
    this.seen.value = this.memory.get(SEEN) ?? this.seen.value;
    this.follow();
  }

  /** Follows as long as there is a visitor who looks: a browser has few connections for all of its tabs. */
  private follow(): void {
    const wanted = this.visitor.client !== null && document.visibilityState === "visible";
    if (wanted && !this.stop) {
      this.stop = this.api.follow(
        ({ dialogs }) => void this.changed(dialogs),
        (_, refusal) => {
          if (refusal) this.refused(refusal);
        },
      );
    } else if (!wanted) {
      this.stop?.();
      this.stop = null;
    }
  }

  private refused({ code }: Problem): void {
    this.stop = null;
    if (NOBODY.includes(code)) this.forget();
  }

  private async changed(versions: Record<string, number>): Promise<void> {
    const known = new Map(this.transcripts.value.map((each) => [each.dialog, each.version]));
    const news = Object.entries(versions).some(([dialog, version]) => version > (known.get(dialog) ?? 0));
    if (!news) {
      this.known.value = true;
      return;
    }
    try {
      await this.read();
    } catch (error) {
      // The stream tells each change once.
      if (mayPass(asProblem(error))) setTimeout(() => void this.changed(versions), RETRY_MS);
    }
  }

  /** Reads what is new; what changed while it was being read is read after that, for it is told once. */
  private readonly read = coalesced(() => this.readAll());

  private async readAll(): Promise<void> {
    const newest = (await this.api.dialogs()).slice(0, MOST_DIALOGS).reverse();
    const read = await Promise.all(newest.map((own) => this.further(own)));
    for (const transcript of read) this.keep(transcript);
    this.known.value = true;
  }

  private async further({ dialog, version }: OwnDialog): Promise<Transcript> {
    const before = this.transcripts.value.find((each) => each.dialog === dialog);
    return before && before.version >= version ? before : this.api.read(dialog, before?.version ?? 0);
  }

  private keep(read: Transcript): void {
    const before = this.transcripts.value.find((each) => each.dialog === read.dialog);
    const others = this.transcripts.value.filter((each) => each !== before);
    const all = [...others, merged(before, read)];
    this.transcripts.value = all.sort((a, b) => (a.opened_at < b.opened_at ? -1 : 1)).slice(-MOST_DIALOGS);
  }

  /** Sends a message to the newest dialog, which is opened or reopened for it; to a new one if that can't be. */
  private async deliver(message: Unsent): Promise<void> {
    await this.visitor.admitted();
    if (!this.known.value) await this.read();
    for (let remedies = 0; ; remedies += 1) {
      const dialog = this.outbox.find(message.id)?.dialog ?? this.dialog.value?.dialog ?? crypto.randomUUID();
      this.outbox.put({ ...message, dialog });
      try {
        return await this.post(message, dialog);
      } catch (error) {
        const problem = asProblem(error);
        if (remedies >= 3 || !(await this.remedied(problem, message))) throw problem;
      }
    }
  }

  private async post(message: Unsent, dialog: string): Promise<void> {
    const known = this.transcripts.value.find((each) => each.dialog === dialog);
    if (!known) {
      const { opened_at } = await this.api.open(dialog);
      this.keep({
        dialog,
        opened_at,
        state: "open",
        operator_name: null,
        closes: [],
        messages: [],
        version: 0,
      });
    } else if (known.state === "closed") {
      await this.api.reopen(dialog, known.closes.length);
    }
    this.sent.value = [...this.sent.value, await this.api.post(dialog, message.id, message.text)];
    this.follow();
  }

  /** Whether it can be tried once more, otherwise. */
  private async remedied(problem: Problem, message: Unsent): Promise<boolean> {
    const { dialog = "" } = this.outbox.find(message.id) ?? {};
    if (problem.code === "dialog-closed") {
      this.keep(await this.api.read(dialog, 0));
      return true;
    }
    if (NOBODY.includes(problem.code)) {
      this.forget();
      await this.visitor.admitted();
    } else if (!ANOTHER.includes(problem.code)) return false;
    this.outbox.put({ ...message, dialog: crypto.randomUUID() });
    return true;
  }

  /** What was read belongs to somebody who is gone. */
  private forget(): void {
    this.visitor.forget();
    this.stop?.();
    this.stop = null;
    this.transcripts.value = [];
    this.sent.value = [];
    this.known.value = true;
  }
}

/** What an operator works with: the list, the dialog that is read, what is being sent; it follows chat's changes. */
import { client, data, type TokenSource } from "@candor/ui/api.ts";
import { type Connection, follow } from "@candor/ui/live.ts";
import { asProblem, Problem } from "@candor/ui/problems.ts";
import { batch, computed, effect, type Signal, signal } from "@preact/signals";
import type { components, paths } from "../api.gen.d.ts";
import { coalesced } from "../coalesced.ts";
import { type Message, merged, type Transcript, withSent } from "../timeline.ts";
import { KeptTexts, NOTHING_KEPT } from "./kept.ts";
import { arranged, asOf, type DialogView, NO_DIALOGS, viewOf } from "./lists.ts";
import { learn } from "./waiting.ts";

type TranscriptView = components["schemas"]["TranscriptView"];
type Versions = components["schemas"]["DialogVersions"]["dialogs"];
export type ClientView = components["schemas"]["ClientView"];
type ById<V> = ReadonlyMap<string, V>;

export interface Me {
  sub: string;
  name: string | null;
}

export type Toast = { dialog: string; closed: number } | { problem: Problem; dialog: string };

const PAGE = 200;
const MOST_CLOSED = 20;

export class Store {
  /** The dialogs of the list by their ids; null until it was read once. */
  readonly views = signal<ById<DialogView> | null>(null);
  readonly transcripts = signal<ById<Transcript>>(new Map());
  readonly clients = signal<ById<ClientView>>(new Map());
  /** The names of channels, by their ids. */
  readonly channels = signal<ById<string>>(new Map());
  /** The dialog that is shown; the address names it. */
  readonly chosen = signal<string | null>(null);
  readonly connection = signal<{ state: Connection; since: Date }>({
    state: "connecting",
    since: new Date(),
  });
  /** Why the list, a dialog, or a client could not be read. */
  readonly listProblem = signal<Problem | null>(null);
  readonly dialogProblems = signal<ById<Problem>>(new Map());
  readonly clientProblem = signal<Problem | null>(null);
  /** Why the service refused what was written; the text is back in the draft. */
  readonly refusals = signal<ById<Problem>>(new Map());
  /** Dialogs whose unsent messages are on their way right now. */
  readonly delivering = signal<ReadonlySet<string>>(new Set());
  /** Dialogs that are being taken, closed or reopened. */
  readonly busy = signal<ReadonlySet<string>>(new Set());
  readonly toast = signal<Toast | null>(null);
  /** The service does not accept the token any more. */
  readonly signedOut = signal(false);
  readonly kept: KeptTexts;

  readonly lists = computed(() => {
    const views = this.views.value;
    if (!views) return NO_DIALOGS;
    const transcripts = this.transcripts.value;
    const known = new Map([...views].map(([id, view]) => [id, asOf(view, transcripts.get(id))]));
    // A dialog that moved between the lists while they were read is in none of them for a moment.
    for (const [id, transcript] of transcripts) if (!known.has(id)) known.set(id, viewOf(transcript));
    return arranged(known.values(), this.me.sub);
  });

  readonly view = computed<DialogView | null>(() => {
    const id = this.chosen.value;
    if (!id) return null;
    const view = this.views.value?.get(id);
    const transcript = this.transcripts.value.get(id);
    return view ? asOf(view, transcript) : transcript ? viewOf(transcript) : null;
  });

  private readonly api;
  private readonly me: Me;
  private readonly token: TokenSource;
  private readonly readers = new Map<string, () => Promise<void>>();
  private readonly deliveries = new Map<string, () => Promise<void>>();
  /** Dialogs whose messages could not be sent since the page was opened: tried again when it is connected. */
  private readonly failed = new Set<string>();
  /** The versions that the operator has seen, while the page was in front. */
  private readonly seen = signal<ById<number>>(new Map());
  private positions: Versions = {};

  constructor(me: Me, token: TokenSource, storage: Storage | null) {
    this.me = me;
    this.token = token;
    this.kept = new KeptTexts(me.sub, storage);
    this.api = client<paths>("", token);
    this.api.use({
      onResponse({ response }) {
        learn(response.headers.get("date"));
        return undefined;
      },
    });
  }

  /** Reads and follows until the function that it returns is called. */
  start(): () => void {
    void this.readChannels();
    void this.readList();
    const stops = [
      follow<{ dialogs: Versions }>({
        address: "/v1/changes",
        token: this.token,
        changed: ({ dialogs }) => this.changed(dialogs),
        state: (state, refusal) => this.connected(state, refusal),
      }),
      effect(() => this.look()),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** How many of the client's messages came since the operator last looked. */
  unread(view: DialogView): number {
    return view.version > (this.seen.value.get(view.dialog) ?? -1) ? view.unanswered : 0;
  }

  /** What is shown was seen: called while the page is in front. */
  look(): void {
    const view = this.view.value;
    if (!view || document.visibilityState !== "visible") return;
    if (this.seen.peek().get(view.dialog) !== view.version) put(this.seen, view.dialog, view.version);
  }

  choose(dialog: string | null): void {
    batch(() => {
      this.chosen.value = dialog;
      this.clientProblem.value = null;
    });
    if (dialog) void this.catchUp();
  }

  /** Reads the list: all that are open, and the last of those that were closed. */
  readonly readList = coalesced(async () => {
    try {
      const open: DialogView[] = [];
      let cursor: string | null = null;
      do {
        const page: components["schemas"]["DialogList"] = await this.listed("open", PAGE, cursor);
        open.push(...page.dialogs);
        cursor = page.next_cursor;
      } while (cursor);
      const closed = await this.listed("closed", MOST_CLOSED, null);
      batch(() => {
        this.views.value = new Map([...closed.dialogs, ...open].map((view) => [view.dialog, view]));
        this.listProblem.value = null;
      });
      await Promise.all([this.catchUp(), ...this.gone().map((dialog) => this.read(dialog))]);
    } catch (error) {
      this.listProblem.value = this.problem(error);
    }
  });

  /** Takes a waiting dialog, and shows it. */
  async take(dialog: string): Promise<boolean> {
    return this.doing(dialog, async () => {
      await data(this.api.PUT("/v1/dialogs/{dialog}/operator", { params: { path: { dialog } } }));
      await this.read(dialog);
      this.choose(dialog);
    });
  }

  /** Closes a dialog, as soon as what was sent has arrived. */
  async close(dialog: string): Promise<boolean> {
    return this.doing(dialog, async () => {
      if (this.unsent(dialog)) await this.deliver(dialog);
      if (this.unsent(dialog)) throw new Problem("unsent-left");
      const close_seq = (this.transcripts.peek().get(dialog)?.closes.length ?? 0) + 1;
      const params = { path: { dialog } };
      await data(this.api.POST("/v1/dialogs/{dialog}/close", { params, body: { close_seq } }));
      this.toast.value = { dialog, closed: close_seq };
      await this.read(dialog);
    });
  }

  /** Undoes a close. */
  async reopen(dialog: string, close_seq: number): Promise<boolean> {
    return this.doing(dialog, async () => {
      this.toast.value = null;
      const params = { path: { dialog } };
      await data(this.api.POST("/v1/dialogs/{dialog}/reopen", { params, body: { close_seq } }));
      await this.read(dialog);
      this.choose(dialog);
    });
  }

  draft(dialog: string, draft: string): void {
    this.kept.keep(dialog, { ...this.kept.of(dialog), draft });
  }

  /** Sends the draft of a dialog; it is kept as unsent until the service has it. */
  send(dialog: string): void {
    const { draft, unsent } = this.kept.of(dialog);
    if (draft.trim() === "") return;
    drop(this.refusals, dialog);
    const message = `m-${crypto.randomUUID()}`;
    this.kept.keep(dialog, { draft: "", unsent: [...unsent, { message, text: draft }] });
    void this.deliver(dialog);
  }

  /** Puts messages that were not sent back into the draft. */
  edit(dialog: string): void {
    this.failed.delete(dialog);
    this.kept.keep(dialog, { draft: this.everything(dialog), unsent: [] });
  }

  /** Sends what is unsent in a dialog, one after the other; what is sent twice arrives once. */
  deliver(dialog: string): Promise<void> {
    const known = this.deliveries.get(dialog) ?? coalesced(() => this.delivered(dialog));
    this.deliveries.set(dialog, known);
    return known();
  }

  async readClient(dialog: string): Promise<void> {
    try {
      const found = await data(this.api.GET("/v1/dialogs/{dialog}/client", { params: { path: { dialog } } }));
      batch(() => {
        put(this.clients, dialog, found as ClientView);
        if (this.chosen.peek() === dialog) this.clientProblem.value = null;
      });
    } catch (error) {
      const problem = this.problem(error);
      if (this.chosen.peek() === dialog) this.clientProblem.value = problem;
    }
  }

  /** Reads what a dialog's transcript lacks. */
  read(dialog: string): Promise<void> {
    const known = this.readers.get(dialog) ?? coalesced(() => this.readTranscript(dialog));
    this.readers.set(dialog, known);
    return known();
  }

  private changed(positions: Versions): void {
    this.positions = positions;
    const views = this.views.peek();
    const there = Object.entries(positions);
    const same = there.every(([dialog, version]) => views?.get(dialog)?.version === version);
    if (!same || this.listProblem.peek() || there.length !== views?.size) void this.readList();
    else void this.catchUp();
  }

  private connected(state: Connection, refusal?: Problem): void {
    const before = this.connection.peek();
    if (state === before.state && !refusal) return;
    if (refusal) this.problem(refusal);
    const since = before.state === "live" || state === "live" ? new Date() : before.since;
    this.connection.value = { state, since };
    if (state !== "live") return;
    this.signedOut.value = false;
    for (const dialog of this.failed) void this.deliver(dialog);
  }

  /** Reads the dialog that is shown, if anything newer is known to be there. */
  private async catchUp(): Promise<void> {
    const dialog = this.chosen.peek();
    if (!dialog) return;
    const view = this.views.peek()?.get(dialog);
    const known = this.transcripts.peek().get(dialog)?.version ?? -1;
    // A waiting dialog is taken before it is read.
    if (view?.waiting && known < view.version) return;
    if (known < 0 || known < Math.max(view?.version ?? 0, this.positions[dialog] ?? 0)) {
      await this.read(dialog);
    }
  }

  /** Dialogs that were the operator's own and have left the list: somebody else has them now. */
  private gone(): string[] {
    const isGone = ({ dialog, state, operator }: Transcript): boolean =>
      !this.views.peek()?.has(dialog) && state === "open" && operator === this.me.sub;
    return [...this.transcripts.peek().values()].filter(isGone).map(({ dialog }) => dialog);
  }

  private async readTranscript(dialog: string): Promise<void> {
    try {
      const known = this.transcripts.peek().get(dialog);
      const pages: TranscriptView[] = [];
      let query: { after?: number; cursor?: string } | null = known ? { after: known.version } : {};
      while (query) {
        const params = { path: { dialog }, query: { ...query, limit: PAGE } };
        const page = (await data(this.api.GET("/v1/dialogs/{dialog}", { params }))) as TranscriptView;
        pages.push(page);
        query = page.next_cursor ? { cursor: page.next_cursor } : null;
      }
      batch(() => {
        put(this.transcripts, dialog, merged(this.transcripts.peek().get(dialog), pages));
        this.arrived(dialog);
        drop(this.dialogProblems, dialog);
      });
    } catch (error) {
      const problem = this.problem(error);
      batch(() => {
        put(this.dialogProblems, dialog, problem);
        // What may not be read any more is not shown any more.
        if (problem.status === 403 || problem.status === 404) drop(this.transcripts, dialog);
      });
    }
  }

  /** What is in the transcript is not unsent, though no response said so: the page was left, or it was lost. */
  private arrived(dialog: string): void {
    const { draft, unsent } = this.kept.of(dialog);
    const ids = new Set(
      this.transcripts
        .peek()
        .get(dialog)
        ?.messages.map((each) => each.message),
    );
    const rest = unsent.filter((each) => !ids.has(each.message));
    if (rest.length < unsent.length) this.kept.keep(dialog, { draft, unsent: rest });
  }

  private async delivered(dialog: string): Promise<void> {
    this.delivering.value = new Set([...this.delivering.peek(), dialog]);
    this.failed.delete(dialog);
    try {
      for (let next = this.unsent(dialog); next; next = this.unsent(dialog)) {
        const { message, text } = next;
        const params = { path: { dialog, message } };
        const { posted_at } = (await data(
          this.api.PUT("/v1/dialogs/{dialog}/messages/{message}", { params, body: { text } }),
        )) as { posted_at: string };
        this.accepted(dialog, message, text, posted_at);
      }
      void this.read(dialog);
    } catch (error) {
      const problem = this.problem(error);
      if (isPassing(problem)) this.failed.add(dialog);
      else {
        batch(() => {
          this.edit(dialog);
          put(this.refusals, dialog, problem);
        });
        void this.read(dialog);
      }
    } finally {
      const others = [...this.delivering.peek()].filter((each) => each !== dialog);
      this.delivering.value = new Set(others);
    }
  }

  private accepted(dialog: string, message: string, text: string, posted_at: string): void {
    const { draft, unsent } = this.kept.of(dialog);
    const known = this.transcripts.peek().get(dialog);
    const { sub: operator, name } = this.me;
    const sent: Message = {
      ...{ message, operator, name, posted_at },
      author: "operator",
      kind: "person",
      text: { state: "open", text },
    };
    batch(() => {
      this.kept.keep(dialog, { draft, unsent: unsent.filter((each) => each.message !== message) });
      if (known) put(this.transcripts, dialog, withSent(known, sent));
    });
  }

  private unsent(dialog: string) {
    return (this.kept.all.peek().get(dialog) ?? NOTHING_KEPT).unsent[0];
  }

  private everything(dialog: string): string {
    const { draft, unsent } = this.kept.of(dialog);
    return [...unsent.map((each) => each.text), draft].filter((text) => text.trim() !== "").join("\n");
  }

  private async doing(dialog: string, act: () => Promise<void>): Promise<boolean> {
    if (this.busy.peek().has(dialog)) return false;
    this.busy.value = new Set([...this.busy.peek(), dialog]);
    try {
      await act();
      return true;
    } catch (error) {
      this.toast.value = { problem: this.problem(error), dialog };
      void this.readList();
      return false;
    } finally {
      this.busy.value = new Set([...this.busy.peek()].filter((each) => each !== dialog));
    }
  }

  private async listed(state: "open" | "closed", limit: number, cursor: string | null) {
    const query = { state, limit, ...(cursor ? { cursor } : {}) };
    const page = await data(this.api.GET("/v1/dialogs", { params: { query } }));
    return page as components["schemas"]["DialogList"];
  }

  private async readChannels(): Promise<void> {
    try {
      const found = await data(this.api.GET("/v1/channels"));
      this.channels.value = new Map(found?.channels.map(({ channel, name }) => [channel, name]));
    } catch {
      // Channels are called by their ids then.
    }
  }

  private problem(error: unknown): Problem {
    const problem = asProblem(error);
    if (problem.status === 401) this.signedOut.value = true;
    return problem;
  }
}

/** Whether the same request may succeed later: no network, a service that is away, a sign-in that has expired. */
export function isPassing({ status }: Problem): boolean {
  return status === 0 || status === 401 || status === 408 || status === 429 || status >= 500;
}

function put<V>(map: Signal<ById<V>>, key: string, value: V): void {
  map.value = new Map([...map.peek(), [key, value]]);
}

function drop<V>(map: Signal<ById<V>>, key: string): void {
  if (!map.peek().has(key)) return;
  map.value = new Map([...map.peek()].filter(([each]) => each !== key));
}

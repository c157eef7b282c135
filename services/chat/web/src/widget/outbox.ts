/** Messages that wait to be sent: kept until chat has them, and sent in the order in which they were written. */
import { asProblem, mayPass } from "@candor/ui/problems.ts";
import { signal } from "@preact/signals";
import type { Memory } from "./memory.ts";

export interface Unsent {
  id: string;
  text: string;
  /** When it was written. */
  at: string;
  /** Where it is sent to, from the first try on: a repetition must go to the same place. */
  dialog?: string;
  /** The code of what went wrong at the last try. */
  trouble?: string;
  /** It was refused, and is only tried again when somebody asks for it. */
  refused?: boolean;
}

/** Sends one message; can be repeated. */
export type Deliver = (message: Unsent) => Promise<void>;
/** Waits after so many failures in a row, or until `wake` is called. */
export type Pause = (failures: number, wake: (now: () => void) => void) => Promise<void>;

const NAME = "unsent.";

export class Outbox {
  readonly messages = signal<readonly Unsent[]>([]);
  private readonly memory: Memory;
  private readonly deliver: Deliver;
  private readonly pause: Pause;
  private sending = false;
  private wake = (): void => {};

  constructor(memory: Memory, deliver: Deliver, pause: Pause = longerEachTime) {
    this.memory = memory;
    this.deliver = deliver;
    this.pause = pause;
    this.read();
  }

  /** Takes in what other tabs have added and sent. */
  read(): void {
    const found = this.memory.names(NAME).map((name) => this.memory.get(name));
    const messages = found.filter((each) => each !== null).map((each) => JSON.parse(each) as Unsent);
    this.messages.value = messages.sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  find(id: string): Unsent | undefined {
    return this.messages.value.find((each) => each.id === id);
  }

  add(id: string, text: string, now: Date): void {
    const last = this.messages.value.at(-1)?.at ?? "";
    const at = now.toISOString();
    // Never at the moment of the one before, so that the order is one.
    this.put({ id, text, at: at > last ? at : new Date(Date.parse(last) + 1).toISOString() });
    void this.flush();
  }

  put(message: Unsent): void {
    this.memory.set(NAME + message.id, JSON.stringify(message));
    this.read();
  }

  remove(id: string): void {
    this.memory.set(NAME + id, null);
    this.read();
  }

  /** Tries a message, and all that wait, again now. */
  again(id: string): void {
    const message = this.find(id);
    if (message?.refused) this.put({ ...message, refused: false });
    this.wake();
    void this.flush();
  }

  /** Sends what waits, unless that is being done. */
  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      let failures = 0;
      for (let next = this.next(); next; next = this.next()) {
        failures = (await this.sent(next.id)) ? 0 : failures + 1;
        if (failures > 0) {
          await this.pause(failures, (now) => {
            this.wake = now;
          });
        }
      }
    } finally {
      this.sending = false;
    }
  }

  private next(): Unsent | undefined {
    return this.messages.value.find((each) => !each.refused);
  }

  /** False if it has to be tried again. */
  private async sent(id: string): Promise<boolean> {
    return exclusively(async () => {
      this.read();
      const message = this.find(id);
      if (!message || message.refused) return true;
      try {
        await this.deliver(message);
        this.remove(id);
        return true;
      } catch (error) {
        const problem = asProblem(error);
        const refused = !mayPass(problem);
        this.put({ ...(this.find(id) ?? message), trouble: problem.code, refused });
        return refused;
      }
    });
  }
}

/** In one tab at a time, where the browser can tell. */
async function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  return locks ? ((await locks.request("candor.unsent", work)) as T) : work();
}

const LONGEST_MS = 30_000;

function longerEachTime(failures: number, wake: (now: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      removeEventListener("online", over);
      resolve();
    };
    const most = Math.min(LONGEST_MS, 1000 * 2 ** Math.min(failures, 6));
    const timer = setTimeout(over, most * (0.5 + Math.random() / 2));
    addEventListener("online", over);
    wake(over);
  });
}

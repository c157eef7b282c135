/** Who writes: a client of the channel, made by chat when first needed, and kept by the browser. */
import type { Admission } from "./api.ts";
import type { Memory } from "./memory.ts";

interface Visit extends Admission {
  /** When the token was given, by the clock of this computer, in milliseconds. */
  given: number;
}

interface Calls {
  admit: () => Promise<Admission>;
  renew: (bearer: string) => Promise<Admission>;
}

const NAME = "visitor";

export class Visitor {
  private readonly memory: Memory;
  private readonly calls: Calls;
  private readonly now: () => number;
  private running: Promise<Visit> | null = null;

  constructor(memory: Memory, calls: Calls, now: () => number = Date.now) {
    this.memory = memory;
    this.calls = calls;
    this.now = now;
  }

  /** Null until somebody was admitted, in this tab or another. */
  get client(): string | null {
    return this.visit?.client ?? null;
  }

  /** The client's id, after making one if there is none. */
  async admitted(): Promise<string> {
    const visit = this.visit ?? (await this.once(() => this.calls.admit()));
    return visit.client;
  }

  /** The visitor's token: renewed in the second half of its time, and if `again`, because the last was refused. */
  async token(again = false): Promise<string | null> {
    const visit = this.visit;
    if (!visit) return null;
    const old = this.now() - visit.given > lifeOf(visit.token) / 2;
    if (!old && !again) return visit.token;
    try {
      return (await this.once(() => this.calls.renew(visit.token))).token;
    } catch {
      // The last one is as good as it is: whoever sends it hears whether it still is.
      return visit.token;
    }
  }

  /** Whoever this was can't be reached any more; the next one is somebody new. */
  forget(): void {
    this.memory.set(NAME, null);
  }

  private get visit(): Visit | null {
    const kept = this.memory.get(NAME);
    return kept ? (JSON.parse(kept) as Visit) : null;
  }

  private once(call: () => Promise<Admission>): Promise<Visit> {
    this.running ??= this.keep(call).finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async keep(call: () => Promise<Admission>): Promise<Visit> {
    const before = this.memory.get(NAME);
    const given = { ...(await call()), given: this.now() };
    const now = this.visit;
    // Another tab was faster.
    if (now && this.memory.get(NAME) !== before) return now;
    this.memory.set(NAME, JSON.stringify(given));
    return given;
  }
}

/** How long a token (RFC 7519) is good from its making on, in milliseconds: what this computer's clock shows is no matter. */
function lifeOf(token: string): number {
  const [, payload = ""] = token.split(".");
  const { iat, exp } = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/"))) as Record<
    string,
    number
  >;
  return 1000 * ((exp ?? 0) - (iat ?? 0));
}

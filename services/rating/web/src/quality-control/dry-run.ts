/** What the settings on the page would have made of the last closes: asked for once they stand still for a moment. */
import { asProblem, type Problem } from "@candor/ui/problems.ts";
import { batch, signal } from "@preact/signals";
import type { DryRun, Settings } from "./settings.ts";

const QUIET = 400;

export class DryRuns {
  readonly found = signal<DryRun | null>(null);
  /** Whether what was found is of settings that have changed since. */
  readonly computing = signal(false);
  readonly failure = signal<Problem | null>(null);

  readonly #tryOut: (settings: Settings) => Promise<DryRun>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;

  constructor(tryOut: (settings: Settings) => Promise<DryRun>) {
    this.#tryOut = tryOut;
  }

  /** The settings have changed; what is found of older ones is dropped. */
  changed(settings: Settings): void {
    clearTimeout(this.#timer);
    this.computing.value = true;
    const run = ++this.#last;
    this.#timer = setTimeout(() => void this.#run(run, settings), QUIET);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#last += 1;
  }

  async #run(run: number, settings: Settings): Promise<void> {
    let found: DryRun | null = null;
    let failure: Problem | null = null;
    try {
      found = await this.#tryOut(settings);
    } catch (error) {
      failure = asProblem(error);
    }
    if (run !== this.#last) return;
    batch(() => {
      this.found.value = found ?? this.found.value;
      this.failure.value = failure;
      this.computing.value = false;
    });
  }
}

export interface Reason {
  reason: DryRun["not_asked"][number]["reason"];
  closes: DryRun["not_asked"];
}

/** The closes that would not be asked about, by their reasons, the most frequent first. */
export function byReason({ not_asked }: DryRun): Reason[] {
  const reasons = new Map<Reason["reason"], Reason>();
  for (const close of not_asked) {
    const known = reasons.get(close.reason) ?? { reason: close.reason, closes: [] };
    known.closes.push(close);
    reasons.set(close.reason, known);
  }
  return [...reasons.values()].sort((one, other) => other.closes.length - one.closes.length);
}

/** The strip's three parts, in percent: asked either way, asked in addition or no longer, and not asked. */
export function shares({ closes, asked, asked_as_saved }: DryRun): { both: number; differs: number } {
  const whole = Math.max(closes, 1) / 100;
  return {
    both: Math.min(asked, asked_as_saved) / whole,
    differs: Math.abs(asked - asked_as_saved) / whole,
  };
}

/** What an operator typed and the service does not have yet: kept in this browser, so that a reload loses nothing. */
import { signal } from "@preact/signals";

export interface Unsent {
  /** The message's id, made here: sent again it is the same message. */
  message: string;
  text: string;
}

export interface Kept {
  draft: string;
  unsent: readonly Unsent[];
}

export const NOTHING_KEPT: Kept = { draft: "", unsent: [] };
/** What nobody came back to for so long is forgotten. */
const FORGOTTEN_MS = 30 * 24 * 3600_000;

/** Drafts and unsent messages of one operator, by their dialogs; other tabs see the same. */
export class KeptTexts {
  readonly all = signal<ReadonlyMap<string, Kept>>(new Map());
  private readonly prefix: string;
  private readonly storage: Storage | null;

  constructor(operator: string, storage: Storage | null) {
    this.prefix = `candor.console ${operator} `;
    this.storage = storage;
    this.all.value = new Map(this.stored());
  }

  of(dialog: string): Kept {
    return this.all.value.get(dialog) ?? NOTHING_KEPT;
  }

  keep(dialog: string, kept: Kept): void {
    this.show(dialog, kept);
    try {
      if (isNothing(kept)) this.storage?.removeItem(this.prefix + dialog);
      else this.storage?.setItem(this.prefix + dialog, JSON.stringify({ ...kept, at: Date.now() }));
    } catch {
      // The browser keeps nothing more: the text stays on the page.
    }
  }

  /** Whoever typed is leaving this machine: nothing of it stays. */
  forget(): void {
    for (const dialog of this.all.peek().keys()) this.keep(dialog, NOTHING_KEPT);
  }

  /** Another tab has kept something. */
  heard({ key, newValue }: Pick<StorageEvent, "key" | "newValue">): void {
    if (!key?.startsWith(this.prefix)) return;
    this.show(key.slice(this.prefix.length), parsed(newValue) ?? NOTHING_KEPT);
  }

  private show(dialog: string, kept: Kept): void {
    const all = new Map(this.all.peek());
    if (isNothing(kept)) all.delete(dialog);
    else all.set(dialog, { draft: kept.draft, unsent: kept.unsent });
    this.all.value = all;
  }

  private *stored(): Iterable<[string, Kept]> {
    const keys = Array.from({ length: this.storage?.length ?? 0 }, (_, at) => this.storage?.key(at) ?? "");
    for (const key of keys.filter((each) => each.startsWith(this.prefix))) {
      const kept = parsed(this.storage?.getItem(key) ?? null);
      if (kept && Date.now() - kept.at < FORGOTTEN_MS) {
        yield [key.slice(this.prefix.length), { draft: kept.draft, unsent: kept.unsent }];
      } else this.storage?.removeItem(key);
    }
  }
}

function isNothing({ draft, unsent }: Kept): boolean {
  return draft === "" && unsent.length === 0;
}

function parsed(text: string | null): (Kept & { at: number }) | null {
  try {
    const kept = JSON.parse(text ?? "null");
    return typeof kept?.draft === "string" && Array.isArray(kept.unsent) ? kept : null;
  } catch {
    return null;
  }
}

/** The browser's storage, or null where it is closed. */
export function browserStorage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/** What the browser keeps for the page's origin; it lasts as long as the page where storage is blocked or full. */

export interface Memory {
  /** Whether it outlasts the page. */
  readonly lasting: boolean;
  get(name: string): string | null;
  set(name: string, value: string | null): void;
  /** The names that begin so. */
  names(beginning: string): string[];
}

/** The part of a storage whose keys begin with `prefix`; `area` may throw. */
export function memory(prefix: string, area: () => Storage): Memory {
  const stored = usable(prefix, area);
  const held = new Map<string, string>();
  const lasting = kept(stored, `${prefix}test`, "");
  stored?.removeItem(`${prefix}test`);
  return {
    lasting,
    get: (name) => held.get(name) ?? stored?.getItem(prefix + name) ?? null,
    set(name, value) {
      held.delete(name);
      if (value === null) stored?.removeItem(prefix + name);
      else if (!kept(stored, prefix + name, value)) held.set(name, value);
    },
    names(beginning) {
      const all = new Set(held.keys());
      for (let at = 0; at < (stored?.length ?? 0); at += 1) {
        const key = stored?.key(at);
        if (key?.startsWith(prefix)) all.add(key.slice(prefix.length));
      }
      return [...all].filter((name) => name.startsWith(beginning));
    },
  };
}

/** A storage that is full can be read all the same. */
function usable(prefix: string, area: () => Storage): Storage | null {
  try {
    const storage = area();
    storage.getItem(prefix);
    return storage;
  } catch {
    return null;
  }
}

function kept(storage: Storage | null, key: string, value: string): boolean {
  try {
    storage?.setItem(key, value);
    return storage !== null;
  } catch {
    return false;
  }
}

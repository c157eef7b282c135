/** What a client has chosen and written and not sent: kept in this tab until it is. */
export interface Draft {
  score: number | null;
  comment: string;
  /** It was to be sent, and wasn't yet. */
  due?: boolean;
}

export const EMPTY: Draft = { score: null, comment: "" };

export interface Drafts {
  read: (form: string) => Draft | null;
  /** Null removes it. */
  write: (form: string, draft: Draft | null) => void;
}

const PREFIX = "candor.form.";

export function draftsIn(storage: () => Storage): Drafts {
  return {
    read(form) {
      try {
        return drafted(JSON.parse(storage().getItem(PREFIX + form) ?? "null"));
      } catch {
        return null;
      }
    },
    write(form, draft) {
      try {
        if (draft) storage().setItem(PREFIX + form, JSON.stringify(draft));
        else storage().removeItem(PREFIX + form);
      } catch {
        // A browser that keeps nothing: what was typed stays on the page.
      }
    },
  };
}

function drafted(value: unknown): Draft | null {
  if (typeof value !== "object" || value === null) return null;
  const { score, comment, due } = value as Partial<Draft>;
  return {
    score: typeof score === "number" ? score : null,
    comment: typeof comment === "string" ? comment : "",
    due: due === true,
  };
}

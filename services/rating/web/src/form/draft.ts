/** What a client has chosen and written and not sent: kept in this tab until it is. */
export interface Draft {
  score: number | null;
  comment: string;
  /** The ids of reasons; those that the score does not offer are not sent. */
  tags: readonly string[];
  /** By the question's id an option's id, or words. */
  followUps: Readonly<Record<string, string>>;
  /** It was to be sent, and wasn't yet. */
  due?: boolean;
}

export const EMPTY: Draft = { score: null, comment: "", tags: [], followUps: {} };

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
  const { score, comment, tags, followUps, due } = value as Partial<Draft>;
  const words = Object.entries(followUps ?? {}).filter(([, text]) => typeof text === "string");
  return {
    score: typeof score === "number" ? score : null,
    comment: typeof comment === "string" ? comment : "",
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [],
    followUps: Object.fromEntries(words),
    due: due === true,
  };
}

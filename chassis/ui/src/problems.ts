/** What went wrong with a request, and the sentence for it in the reader's language. */
import type { Args } from "./i18n.ts";
import { t } from "./texts.ts";

/** A refusal by a service (RFC 9457), or `offline` and `unavailable` when there was none. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: string;
  readonly status: number;
  readonly facts: Args;
  readonly fields: readonly FieldProblem[];
  /** The request's id, which helps the platform team to find it. */
  readonly instance: string | undefined;

  constructor(code: string, status = 0, body: Partial<ProblemBody> = {}) {
    super(code);
    this.code = code;
    this.status = status;
    this.facts = (body.facts ?? {}) as Args;
    this.fields = body.errors ?? [];
    this.instance = body.instance;
  }
}

export interface FieldProblem {
  /** Its path, such as `body.allowed_origins.0`. */
  field: string;
  code: string;
  facts?: Args;
}

interface ProblemBody {
  type: string;
  facts: Args | null;
  errors: readonly FieldProblem[];
  instance: string;
}

/** The problem that a response tells of. */
export async function problemOf(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as ProblemBody;
    return new Problem(body.type.split("/").at(-1) ?? "unavailable", response.status, body);
  } catch {
    return new Problem(response.status >= 500 ? "unavailable" : "not-understood", response.status);
  }
}

/**
 * The problem that an error is: a `fetch` that failed is `offline` or `unavailable`, and so is a success that holds no
 * JSON, such as the page of a network that wants a sign-in; others are thrown on.
 */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SyntaxError) return new Problem("unavailable");
  if (error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError")) {
    return new Problem(navigator.onLine ? "unavailable" : "offline");
  }
  throw error;
}

/** Whether the same request may be answered otherwise later: the network, a service that starts, too many requests. */
export function mayPass({ status }: Problem): boolean {
  return status === 0 || status >= 500 || status === 429 || status === 408;
}

type Sentences = (key: never, args?: Args) => string;

/** The sentence for a problem: from the room's own texts (`problem.<code>`), else from those of all pages. */
export function sentence(problem: Problem, own?: Sentences): string {
  const key = `problem.${problem.code}` as never;
  return own?.(key, problem.facts) || t(key, problem.facts) || t("problem.unknown", { code: problem.code });
}

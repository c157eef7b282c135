/** A call of chat's API, as `@candor/ui/api.ts` makes it, in a tenth of the size: the widget has 25 KB in all. */
import type { TokenSource } from "@candor/ui/api.ts";
import { asProblem, Problem, problemOf } from "@candor/ui/problems.ts";

const TIMEOUT_MS = 20_000;

type Method = "GET" | "POST" | "PUT";
/** The response's body; throws a `Problem`. */
export type Call = <T>(method: Method, path: string, body?: object) => Promise<T>;

/** Calls at `origin`; after a 401 once more, with a new token. */
export function caller(origin: string, token: TokenSource): Call {
  return async <T>(method: Method, path: string, body?: object): Promise<T> => {
    const send = async (again: boolean): Promise<Response> => {
      const bearer = await token(again);
      return fetch(origin + path, {
        method,
        headers: {
          ...(bearer && { Authorization: `Bearer ${bearer}` }),
          ...(body && { "Content-Type": "application/json" }),
        },
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    };
    try {
      let response = await send(false);
      if (response.status === 401) response = await send(true);
      if (!response.ok) throw await problemOf(response);
      return (await response.json().catch(unreadable)) as T;
    } catch (error) {
      throw asProblem(error);
    }
  };
}

/** What came is not from chat: a network that asks to sign in answers anything with a page of its own. */
function unreadable(): never {
  throw new Problem("unavailable");
}

/** Clients of the services' APIs, typed by their OpenAPI documents; whatever goes wrong is thrown as a `Problem`. */
import createClient, { type Client, type Middleware } from "openapi-fetch";
import { asProblem, Problem, problemOf } from "./problems.ts";

const TIMEOUT_MS = 20_000;

/** Gives the token to send, null for none. `again` asks for a new one, because a service refused the last. */
export type TokenSource = (again?: boolean) => Promise<string | null>;

/**
 * `const api = client<paths>(origin, token)`; `data(api.GET("/v1/dialogs", …))` is the response's body.
 * A request gets 20 seconds unless told otherwise, its whole body included, and a second try with a new token after a 401.
 */
export function client<Paths extends object>(
  origin: string,
  token: TokenSource,
  timeoutMs = TIMEOUT_MS,
): Client<Paths> {
  const made = createClient<Paths>({ baseUrl: origin, fetch: (request) => sent(request, token, timeoutMs) });
  made.use(refusals);
  return made;
}

/** The body of a response; throws a `Problem`. */
export async function data<D>(response: Promise<{ data?: D }>): Promise<D> {
  try {
    return (await response).data as D;
  } catch (error) {
    throw asProblem(error);
  }
}

const refusals: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
    return undefined;
  },
};

async function sent(request: Request, token: TokenSource, timeoutMs: number): Promise<Response> {
  const again = request.clone();
  const response = await once(request, await token(), timeoutMs);
  return response.status === 401 ? once(again, await token(true), timeoutMs) : response;
}

function once(request: Request, bearer: string | null, timeoutMs: number): Promise<Response> {
  if (bearer) request.headers.set("Authorization", `Bearer ${bearer}`);
  const limit = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  return fetch(new Request(request, { signal: limit }));
}

export { Problem };

/** A page for tests: what the form uses of a browser, and the service that it asks. */
import { vi } from "vitest";

interface Asked {
  path: string;
  bearer: string | null;
  body: unknown;
}

/** Stubs the page's globals; `respond` answers what is asked, and what it leaves is never answered. */
export function aPage(respond: (asked: Asked) => Response | Promise<Response> | undefined, hash = "") {
  const page = new EventTarget();
  const document = Object.assign(new EventTarget(), {
    hidden: false,
    title: "",
    documentElement: { lang: "", dir: "", dataset: {} as Record<string, string> },
  });
  const location = { origin: ORIGIN, pathname: "/form", search: "?a=b", hash };
  const replaceState = vi.fn((_: unknown, __: string, address: string) => {
    location.hash = new URL(address, ORIGIN).hash;
  });
  const parent = { postMessage: vi.fn<(message: object, target: string) => void>() };
  const kept = new Map<string, string>();
  const asked: Asked[] = [];
  const globals = {
    document,
    location,
    history: { state: null, replaceState },
    window: { parent },
    navigator: { onLine: true, languages: ["en-GB"] },
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
    sessionStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    },
    Request: HereRequest,
    fetch: async (input: Request | string, init?: RequestInit) => {
      const request = new HereRequest(input, init);
      const { pathname, search } = new URL(request.url);
      const body = request.method === "POST" ? await request.json() : null;
      const one = { path: pathname + search, bearer: request.headers.get("Authorization"), body };
      asked.push(one);
      return (await respond(one)) ?? new Promise<Response>(() => undefined);
    },
  };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  return { page, document, location, replaceState, parent, kept, asked };
}

const ORIGIN = "https://rating.example";

/** Outside of a browser an address without an origin is none. */
class HereRequest extends Request {
  constructor(input: Request | string, init?: RequestInit) {
    super(typeof input === "string" ? new URL(input, ORIGIN) : input, init);
  }
}

/** A refusal as the services tell it. */
export function problem(code: string, status: number): Response {
  return Response.json({ type: `/problems/${code}` }, { status });
}

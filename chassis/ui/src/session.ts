/** Who works with a staff page: signed in by the organisation's provider, or by the start page in development. */
import { signal } from "@preact/signals";
import type { User, UserManager } from "oidc-client-ts";
import type { TokenSource } from "./api.ts";
import { asProblem, Problem, problemOf } from "./problems.ts";

export interface SignIn {
  /** Under `/pages/<service>/`: who tells whose token it is. */
  service: string;
  /** In development the start page signs in; it opens pages with a token. */
  startPage: boolean;
  /** The provider's issuer, and this application's id and scope there. */
  authority: string;
  client: string;
  scope: string;
  /** The address of its discovery document; empty if that is beside the issuer. */
  discovery: string;
  /** What else is asked for, such as Auth0's `audience`. */
  parameters: Record<string, string>;
}

export interface Person {
  sub: string;
  name: string | null;
  roles: readonly string[];
  /** `["*"]` for every channel. */
  channels: readonly string[];
}

export type Session =
  | { state: "starting" }
  | { state: "not-set-up" }
  | { state: "signed-out"; signIn: (() => Promise<void>) | null }
  | { state: "failed"; problem: Problem; signIn: (() => Promise<void>) | null; signOut: () => Promise<void> }
  | { state: "signed-in"; person: Person; signOut: () => Promise<void> };

/** The present session; `start` fills it. */
export const session = signal<Session>({ state: "starting" });

/** The token of the session, for `client` and `follow`. */
export const token: TokenSource = (again) => source(again);

let source: TokenSource = async () => null;
let carried: string | null = null;

/** Follows a link to another page; in development, where each service is an origin, it takes the token along. */
export function followLink(event: MouseEvent): void {
  const { href, target } = event.currentTarget as HTMLAnchorElement;
  if (!carried || new URL(href).origin === location.origin || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  open(`${href}#token=${carried}`, target || "_self");
}

const STORED = "candor.token";

/** Signs in as far as it goes without the person; then `session` says what there is. */
export async function start(settings: SignIn): Promise<void> {
  if (!settings.startPage && !settings.client) {
    session.value = { state: "not-set-up" };
    return;
  }
  const { signIn, signOut } = settings.startPage ? fromStartPage() : await fromProvider(settings);
  if (!(await source())) {
    session.value = { state: "signed-out", signIn };
    return;
  }
  try {
    session.value = { state: "signed-in", person: await whoIs(settings.service), signOut };
  } catch (error) {
    const problem = asProblem(error);
    session.value =
      problem.status === 401
        ? { state: "signed-out", signIn }
        : { state: "failed", problem, signIn, signOut };
  }
}

interface Ways {
  signIn: (() => Promise<void>) | null;
  signOut: () => Promise<void>;
}

/** Development: the start page opens pages with `#token=…`; it lives until the tab is closed. */
function fromStartPage(): Ways {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  source = async () => sessionStorage.getItem(STORED);
  carried = sessionStorage.getItem(STORED);
  const signOut = async (): Promise<void> => {
    sessionStorage.removeItem(STORED);
    location.reload();
  };
  return { signIn: null, signOut };
}

/** How long before its end a token is renewed, in seconds. */
const EARLY = 60;
/** Remembered in the browser: that somebody was signed in here, so the provider may know them still. */
const KNOWN = "candor.signedIn";

/**
 * OpenID Connect's code flow with PKCE; tokens stay in memory, and are renewed before they expire. Signing out ends
 * it in all tabs of the origin.
 */
async function fromProvider(settings: SignIn): Promise<Ways> {
  const { UserManager, InMemoryWebStorage, WebStorageStateStore } = await import("oidc-client-ts");
  const page = location.origin + location.pathname;
  const manager = new UserManager({
    authority: settings.authority,
    client_id: settings.client,
    scope: settings.scope,
    ...(settings.discovery ? { metadataUrl: settings.discovery } : {}),
    extraQueryParams: settings.parameters,
    redirect_uri: page,
    post_logout_redirect_uri: page,
    automaticSilentRenew: false,
    accessTokenExpiringNotificationTimeInSeconds: EARLY,
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
  });
  const redirect = (prompt?: "none"): Promise<void> =>
    manager.signinRedirect({ state: location.search + location.hash, ...(prompt ? { prompt } : {}) });
  const user = await returned(manager);
  if (user === "nobody" && localStorage.getItem(KNOWN)) {
    localStorage.removeItem(KNOWN);
    await redirect("none");
    await new Promise(() => {}); // the page is being left
  }
  // Without a refresh token the library would try a frame of the provider's, which the page's policy refuses.
  if (user !== "nobody" && user?.refresh_token) manager.startSilentRenew();
  if (user !== "nobody" && user) localStorage.setItem(KNOWN, "yes");
  source = (again) => fresh(manager, again ?? false);
  const signIn = (): Promise<void> => redirect();
  const tabs = new BroadcastChannel(KNOWN);
  // Loaded anew, the page knows nobody.
  tabs.onmessage = () => location.reload();
  const signOut = async (): Promise<void> => {
    localStorage.removeItem(KNOWN);
    tabs.postMessage(null);
    // Who goes back in the browser's history sees the page as it was left.
    session.value = { state: "signed-out", signIn };
    // Not every provider can be told; the token is forgotten all the same.
    await manager.signoutRedirect().catch(() => location.reload());
  };
  return { signIn, signOut };
}

/** Who came back from the provider: null if it refused, "nobody" if the page was just opened. */
async function returned(manager: UserManager): Promise<User | null | "nobody"> {
  const query = new URLSearchParams(location.search);
  if (!query.has("state") || !(query.has("code") || query.has("error"))) return "nobody";
  let user: User | null = null;
  try {
    user = (await manager.signinCallback()) ?? null;
  } catch {
    // Refused, or begun in another tab: the page shows that nobody is signed in.
  }
  const before = typeof user?.state === "string" ? user.state : "";
  history.replaceState(history.state, "", location.pathname + before);
  return user;
}

/** What a provider says of itself (RFC 6749, 4.1.2.1), not of the person. */
const PASSING = ["server_error", "temporarily_unavailable"];
let renewal: Promise<User | null> | null = null;

async function fresh(manager: UserManager, again: boolean): Promise<string | null> {
  const user = await manager.getUser();
  if (user && !user.expired && !again) return user.access_token;
  if (!user?.refresh_token) return null;
  renewal ??= manager.signinSilent().finally(() => {
    renewal = null;
  });
  try {
    return (await renewal)?.access_token ?? null;
  } catch (error) {
    const { ErrorResponse } = await import("oidc-client-ts");
    if (error instanceof ErrorResponse && !PASSING.includes(error.error ?? "")) return null;
    // The provider is away, which is no refusal.
    throw new Problem(navigator.onLine ? "unavailable" : "offline");
  }
}

async function whoIs(service: string): Promise<Person> {
  const headers = { Authorization: `Bearer ${await source()}` };
  const response = await fetch(`/pages/${service}/me`, { headers, signal: AbortSignal.timeout(20_000) });
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as Person;
}

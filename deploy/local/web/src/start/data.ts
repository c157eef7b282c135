/** The start page's API, and what of it is known now. */
import { Problem, problemOf } from "@candor/ui/problems.ts";
import { signal } from "@preact/signals";

export interface Part {
  name: string;
  version: string | null;
  port: number | null;
  state: "ready" | "catching-up" | "down";
  code: string;
  facts: Record<string, string | number>;
  sentence: string;
  look: { name: "api" | "metrics" | "health"; address: string }[];
}

export interface Status {
  started_at: string;
  data: string;
  sample_site: string;
  parts: Part[];
}

export interface Person {
  id: string;
  name: string;
  role: string;
  team: string | null;
  channels: string[];
  channel_names: string[];
  address: string;
}

export interface Numbers {
  closed: number;
  rated: number;
  declined_or_expired: number;
  open: number;
  fell_away: number;
  not_asked: number;
}

export interface Demo {
  pace: number | null;
  started_at: string | null;
  ends_at: string | null;
  failed: number;
  last_failure: string | null;
  numbers: Numbers | null;
  check: { at: string; agrees: boolean | null; wrong: string[] } | null;
}

export const status = signal<Status | null>(null);
export const people = signal<Person[]>([]);
export const demo = signal<Demo | null>(null);
/** True once the launcher no longer answers. */
export const gone = signal(false);

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`/api/${path}`, {
    method,
    headers: { "X-Candor-Start-Page": "1", ...(body ? { "Content-Type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/** Asks how everything is, and asks again every few seconds while the page is looked at. */
export async function watch(): Promise<void> {
  for (;;) {
    if (!document.hidden) {
      try {
        if (people.value.length === 0)
          people.value = (await call<{ people: Person[] }>("GET", "people")).people;
        [status.value, demo.value] = await Promise.all([
          call<Status>("GET", "status"),
          call<Demo>("GET", "demo"),
        ]);
        gone.value = false;
      } catch (error) {
        gone.value = !(error instanceof Problem);
      }
    }
    await new Promise((over) => setTimeout(over, 2_500));
  }
}

/** A person's token; a client's page needs none. */
export async function tokenOf(person: Person): Promise<string | null> {
  if (person.role === "visitor") return null;
  return (await call<{ token: string }>("POST", `people/${person.id}/token`)).token;
}

/** Starts demo traffic at a pace in closes a second, or stops it with null. */
export async function play(pace: number | null): Promise<void> {
  demo.value = pace ? await call<Demo>("POST", "demo", { pace }) : await call<Demo>("DELETE", "demo");
}

import { beforeEach, expect, test, vi } from "vitest";

vi.hoisted(() => {
  // As in a browser, where the page's own origin stands before a path.
  const Absolute = class extends Request {
    constructor(to: RequestInfo | URL, init?: RequestInit) {
      super(typeof to === "string" ? new URL(to, "https://analytics.example") : to, init);
    }
  };
  vi.stubGlobal("Request", Absolute);
});

import { readAddress } from "./address.ts";
import {
  details,
  formVersions,
  isRetried,
  isTooLongForPatterns,
  operators,
  type Review,
  readDetails,
  readMarks,
  readOperators,
  readReviews,
  readSummary,
  readVersions,
  reviews,
  searched,
  showMore,
  showNewer,
  summary,
} from "./data.ts";

vi.stubGlobal("navigator", { onLine: true });

interface Asked {
  path: string;
  query: URLSearchParams;
  answer: (body: object, status?: number) => void;
}
let asked: Asked[];

beforeEach(() => {
  asked = [];
  const fetched = ({ url }: Request): Promise<Response> =>
    new Promise((done) => {
      const { pathname: path, searchParams: query } = new URL(url);
      asked.push({ path, query, answer: (body, status = 200) => done(Response.json(body, { status })) });
    });
  vi.stubGlobal("fetch", vi.fn(fetched));
  for (const panel of [details, formVersions, operators, reviews, summary])
    panel.value = { data: null, readAt: null, problem: null };
  at("?zone=UTC");
});

/** The page's address is this. */
function at(search: string): void {
  vi.stubGlobal("location", { search });
  readAddress();
}

/** What was asked last, once it was. */
const last = (many: number): Promise<Asked> =>
  vi.waitFor(() => {
    const found = asked[many - 1];
    if (!found) throw new Error("not asked yet");
    return found;
  });

const review = (dialog: string, closed_at: string, more: Partial<Review> = {}) =>
  ({
    dialog,
    close_seq: 1,
    closed_at,
    state: "pending",
    tags: [],
    team: null,
    locale: null,
    ...more,
  }) as Review;
const listed = (rows: Review[], next_cursor: string | null = null, found: number | null = null) => ({
  reviews: rows,
  next_cursor,
  searched: found,
  counts: null,
});
const shown = (rows: readonly Review[] | undefined) => rows?.map(({ dialog }) => dialog);

async function read(many: number, reading: Promise<void>, body: object, status?: number): Promise<void> {
  (await last(many)).answer(body, status);
  await reading;
}

test("what comes late under a filter that was left is not shown under another", async () => {
  at("?zone=UTC&channel=a");
  const first = readReviews("anew");
  const late = await last(1);
  at("?zone=UTC&channel=b");
  await read(2, readReviews("anew"), listed([review("b", "2")]));
  late.answer(listed([review("a", "1")]));
  await first;
  expect(shown(reviews.value.data?.rows)).toEqual(["b"]);
  expect(asked.map(({ query }) => query.getAll("channel"))).toEqual([["a"], ["b"]]);
});

test("a failure that comes late is not told of what was read since", async () => {
  const first = readReviews("anew");
  const late = await last(1);
  await read(2, readReviews("anew"), listed([review("b", "2")]));
  late.answer({ type: "/problems/unavailable" }, 503);
  await first;
  expect(reviews.value.problem).toBeNull();
});

test("newer ones wait until they are wanted, and take their place in the order of the list", async () => {
  at("?zone=UTC&axis=rated_at");
  const rated = (dialog: string, given_at: string) => review(dialog, "0", { given_at });
  await read(1, readReviews("anew"), listed([rated("b", "3"), rated("a", "1")]));
  await read(2, readReviews(), listed([rated("d", "4"), rated("b", "3"), rated("c", "2"), rated("a", "1")]));
  expect([shown(reviews.value.data?.rows), shown(reviews.value.data?.newer)]).toEqual([
    ["b", "a"],
    ["d", "c"],
  ]);
  showNewer();
  expect([shown(reviews.value.data?.rows), reviews.value.data?.newer]).toEqual([["d", "b", "c", "a"], []]);
  await read(3, readReviews("anew"), listed([rated("d", "4")]));
  expect(shown(reviews.value.data?.rows)).toEqual(["d"]);
});

test("the next page is added to those that are there, and so is what was searched", async () => {
  at("?zone=UTC&q=refund");
  await read(1, readReviews("anew"), listed([review("b", "2")], "more", 500));
  await read(2, showMore(), listed([review("a", "1")], null, 300));
  expect([asked[1]?.query.get("cursor"), asked[1]?.query.get("text")]).toEqual(["more", "refund"]);
  expect([shown(reviews.value.data?.rows), searched.value]).toEqual([["b", "a"], 800]);
  await showMore();
  expect(asked).toHaveLength(2);
});

test("as many are read again as are shown, up to what the service gives at once", async () => {
  for (const [many, limit] of [
    [3, "25"],
    [60, "60"],
    [300, "200"],
  ] as const) {
    const rows = Array.from({ length: many }, (_, at) => review(`d${at}`, String(1_000 - at)));
    reviews.value = { data: { rows, newer: [], next: null }, readAt: null, problem: null };
    const before = asked.length;
    await read(before + 1, readReviews(), listed(rows));
    expect(asked[before]?.query.get("limit")).toBe(limit);
  }
});

test("of the close before nothing is shown while another is read, and what was read stays when it fails", async () => {
  at("?zone=UTC&review=d1.2");
  await read(1, readDetails(), { dialog: "d1", close_seq: 2 });
  expect(asked[0]?.path).toBe("/v1/live-chat/closes/d1/2");
  await read(2, readDetails(), { type: "/problems/unavailable" }, 503);
  expect([details.value.data, isRetried(details.value)]).toEqual([{ dialog: "d1", close_seq: 2 }, true]);
  at("?zone=UTC&review=d2.1");
  const reading = readDetails();
  expect(details.value.data).toBeNull();
  await read(3, reading, { type: "/problems/forbidden" }, 403);
  expect([details.value.problem?.status, isRetried(details.value)]).toEqual([403, false]);
  at("?zone=UTC");
  await readDetails();
  expect(asked).toHaveLength(3);
});

test("the summary is cut and compared as the address says", async () => {
  await read(1, readSummary(), {});
  at("?zone=UTC&vs=none&grain=month&nobody=yes");
  await read(2, readSummary(), {});
  const told = asked.map(({ query }) => ["by", "vs", "nobody"].map((name) => query.get(name)));
  expect(told).toEqual([
    ["day", "previous", null],
    ["month", null, "true"],
  ]);
});

test("operators are those that count, or all that took part", async () => {
  await read(1, readOperators(), {});
  at("?zone=UTC&view=took_part");
  await read(2, readOperators(), {});
  expect(asked.map(({ query }) => query.get("view"))).toEqual([null, "took_part"]);
});

test("marks are those of the channels, whoever is chosen", async () => {
  at("?zone=UTC&channel=a&operator=ann&team=x");
  await read(1, readMarks(), {});
  expect([...(asked[0]?.query.keys() ?? [])].sort()).toEqual(["channel", "from", "to", "tz"]);
});

test("versions are read of one channel, while they are shown", async () => {
  for (const search of ["?channel=a", "?tab=versions", "?tab=versions&channel=a&channel=b"]) {
    at(`${search}&zone=UTC`);
    await readVersions();
  }
  expect(asked).toEqual([]);
  at("?channel=a&tab=versions&version=3&vs-version=2&zone=UTC");
  await read(1, readVersions(), {});
  expect(["version", "vs_version"].map((name) => asked[0]?.query.get(name))).toEqual(["3", "2"]);
});

test("patterns are of three months at most", () => {
  at("?from=2026-01-01&to=2026-04-04&zone=UTC");
  expect(isTooLongForPatterns()).toBe(false);
  at("?from=2026-01-01&to=2026-04-05&zone=UTC");
  expect(isTooLongForPatterns()).toBe(true);
});

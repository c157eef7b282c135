import { describe, expect, it, vi } from "vitest";
import {
  address,
  defaults,
  format,
  go,
  grainOf,
  isFiltered,
  ownZone,
  parse,
  RATED,
  range,
  readAddress,
  sameParts,
  toggled,
  UNFILTERED,
  UNRATED,
} from "./address.ts";

const ZONE = "Europe/Paris";

describe("address", () => {
  it("leaves all defaults out", () => {
    expect(format(defaults(ZONE), ZONE)).toBe("");
    expect(parse("", ZONE)).toEqual(defaults(ZONE));
  });

  it("names the zone as soon as anything else is said, for who gets a copy", () => {
    const query = format({ ...defaults(ZONE), channel: ["course-a"] }, ZONE);
    expect(query).toBe("?channel=course-a&zone=Europe/Paris");
    expect(parse(query, "Asia/Tokyo").zone).toBe(ZONE);
    expect(format(defaults("Asia/Tokyo"), ZONE)).toBe("?zone=Asia/Tokyo");
  });

  it("comes back as it was written, whatever it holds", () => {
    const all = {
      ...defaults(ZONE),
      from: "2026-10-01",
      to: "2026-11-01",
      zone: "Asia/Kathmandu",
      axis: "rated_at" as const,
      vs: "none" as const,
      channel: ["a", "b"],
      operator: ["auth0|ann&bo"],
      team: ["first line", "B&B"],
      tag: ["быстро"],
      locale: ["fr-CA", "de"],
      nobody: true,
      state: ["expired", "not_offered"] as const,
      score: [1, -2],
      scale: "stars:1:5",
      comment: true,
      q: "ärger & 100 %",
      status: "in_work" as const,
      grain: "week" as const,
      view: "took_part" as const,
      version: 12,
      vsVersion: 3,
      tab: "hours" as const,
      few: true,
      review: "d-7f3a.2",
    };
    expect(parse(format(all, ZONE), ZONE)).toEqual(all);
  });

  it("shortens all rated and all unrated parts", () => {
    expect(format({ ...defaults(ZONE), state: RATED }, ZONE)).toContain("state=given&");
    expect(format({ ...defaults(ZONE), state: UNRATED }, ZONE)).toContain("state=unrated&");
    expect(parse("?state=unrated", ZONE).state).toEqual(UNRATED);
  });

  it("has its keys in one order", () => {
    const query = "?q=z&locale=fr&tag=x&score=1&team=b&team=a&channel=a&axis=rated_at&from=week";
    expect(format(parse(query, ZONE), ZONE)).toMatch(
      /^\?from=week&axis=rated_at&channel=a&team=b&team=a&score=1&tag=x&locale=fr&q=z&zone=/,
    );
  });

  it("takes words as the API takes them, each once", () => {
    const { team, tag, locale } = parse(
      `?team=+a+&team=a&team=&tag=${"x".repeat(201)}&locale=FR-ca&locale=fr_CA&locale=not+a+tag`,
      ZONE,
    );
    expect([team, tag, locale]).toEqual([["a"], [], ["fr-CA"]]);
    expect(parse(`?tag=${"x".repeat(200)}`, ZONE).tag).toHaveLength(1);
    expect(parse(`?q=+refund+${"x".repeat(300)}`, ZONE).q).toMatch(/^refund x{193}$/);
    const many = Array.from({ length: 31 }, (_, at) => `tag=${at}`).join("&");
    expect(parse(`?${many}`, ZONE).tag).toHaveLength(30);
  });

  it("is filtered by anything but the days, until it is cleared", () => {
    const all = defaults(ZONE);
    expect(isFiltered({ ...all, from: "week", vs: "none", q: "x" })).toBe(false);
    for (const query of ["?team=a", "?tag=a", "?locale=fr", "?axis=rated_at", "?nobody=yes"]) {
      const now = parse(query, ZONE);
      expect(isFiltered(now), query).toBe(true);
      expect({ ...now, ...UNFILTERED }).toEqual(all);
    }
  });

  it("reads what it doesn't understand as if it weren't there", () => {
    const bad =
      "?from=2026-13-01&to=x&zone=Mars/Base&vs=?&axis=opened_at&state=lost&score=a&grain=hour&tab=x&status=lost&review=../1";
    expect(parse(bad, ZONE)).toEqual(defaults(ZONE));
    for (const query of [
      "?from=2026-03-02&to=2026-03-01",
      "?from=2026-03-02&to=2026-03-02",
      "?from=2026-03-02",
      "?to=2026-03-02",
      "?from=2026-02-01&to=2026-02-30",
      "?from=2026-02-01&to=12026-02-03",
      "?from=2026-02-01&to=2026-02-03T00:00",
      "?channel=&operator=&score=&q=+",
      "?version=0&vs-version=1.5",
      "?version=v2&vs-version=2x",
      "?review=d",
      "?review=x/d.1",
      "?review=d.1x",
    ])
      expect(parse(query, ZONE), query).toEqual(defaults(ZONE));
    expect(parse("?review=d-7f3a.12", ZONE).review).toBe("d-7f3a.12");
    expect(parse("?state=given&state=expired", ZONE).state).toEqual(RATED);
  });
});

describe("the zone", () => {
  it("is one that the API knows, in its own spelling", () => {
    const zones = [
      "?zone=%2B05:30",
      "?zone=-03:30",
      "?zone=europe/BERLIN",
      "?zone=Asia/Calcutta",
      "?zone=Etc/GMT-5",
    ];
    expect(zones.map((query) => parse(query, ZONE).zone)).toEqual([
      ZONE,
      ZONE,
      "Europe/Berlin",
      "Asia/Calcutta",
      "Etc/GMT-5",
    ]);
  });

  it("is UTC in a browser that doesn't know its own", () => {
    const resolved = { ...new Intl.DateTimeFormat().resolvedOptions(), timeZone: "Etc/Unknown" };
    const asked = vi.spyOn(Intl.DateTimeFormat.prototype, "resolvedOptions").mockReturnValue(resolved);
    expect(ownZone()).toBe("UTC");
    asked.mockRestore();
  });
});

describe("parts", () => {
  it("are taken and left one by one, rated ones apart from the others", () => {
    expect(toggled([], "expired")).toEqual(["expired"]);
    expect(toggled(["expired"], "declined")).toEqual(["declined", "expired"]);
    expect(toggled(["expired"], "satisfied")).toEqual(["satisfied"]);
    expect(toggled(["satisfied", "unsatisfied"], "satisfied")).toEqual(["unsatisfied"]);
    expect(sameParts(["declined", "expired"], ["expired", "declined"])).toBe(true);
    expect(sameParts(["declined", "expired"], ["expired", "pending"])).toBe(false);
  });
});

describe("period", () => {
  // 23:30 UTC is the next day in Paris.
  const now = new Date("2026-11-22T23:30:00Z");

  it("is four weeks by default, today among them, in the zone", () => {
    expect(range(defaults(ZONE), now)).toEqual({ from: "2026-10-27", to: "2026-11-24" });
    expect(range(defaults("UTC"), now)).toEqual({ from: "2026-10-26", to: "2026-11-23" });
  });

  it("begins and ends with the zone's days where they are no whole hours from UTC", () => {
    const ends = (zone: string, at: string) => range(defaults(zone), new Date(at)).to;
    expect(ends("Asia/Kathmandu", "2026-03-02T18:14:59Z")).toBe("2026-03-03");
    expect(ends("Asia/Kathmandu", "2026-03-02T18:15:00Z")).toBe("2026-03-04");
    expect(ends("America/St_Johns", "2026-03-09T02:29:59Z")).toBe("2026-03-09");
    expect(ends("America/St_Johns", "2026-03-09T02:30:00Z")).toBe("2026-03-10");
    // The night in which Lord Howe's clocks go back by half an hour.
    expect(ends("Australia/Lord_Howe", "2026-04-04T12:59:59Z")).toBe("2026-04-05");
    expect(ends("Australia/Lord_Howe", "2026-04-05T13:29:59Z")).toBe("2026-04-06");
    expect(ends("Australia/Lord_Howe", "2026-04-05T13:30:00Z")).toBe("2026-04-07");
  });

  it("follows the calendar", () => {
    expect(range({ ...defaults(ZONE), from: "30-days" }, now)).toEqual({
      from: "2026-10-25",
      to: "2026-11-24",
    });
    expect(range({ ...defaults(ZONE), from: "week" }, now)).toEqual({ from: "2026-11-23", to: "2026-11-24" });
    expect(range({ ...defaults("UTC"), from: "week" }, now)).toEqual({
      from: "2026-11-16",
      to: "2026-11-23",
    });
    expect(range({ ...defaults(ZONE), from: "2026-01-05", to: "2026-02-01" }, now)).toEqual({
      from: "2026-01-05",
      to: "2026-02-01",
    });
    expect(range({ ...defaults(ZONE), from: "last-week" }, now)).toEqual({
      from: "2026-11-16",
      to: "2026-11-23",
    });
    expect(range({ ...defaults(ZONE), from: "month" }, now)).toEqual({
      from: "2026-11-01",
      to: "2026-11-24",
    });
    expect(range({ ...defaults(ZONE), from: "last-month" }, now)).toEqual({
      from: "2026-10-01",
      to: "2026-11-01",
    });
  });

  it("is cut by its length unless somebody chose", () => {
    const cut = (from: string, to: string) => grainOf(defaults(ZONE), { from, to });
    expect(cut("2026-01-01", "2026-03-04")).toBe("day");
    expect(cut("2026-01-01", "2026-03-05")).toBe("week");
    expect(cut("2026-01-01", "2027-01-02")).toBe("week");
    expect(cut("2026-01-01", "2027-01-03")).toBe("month");
    expect(grainOf({ ...defaults(ZONE), grain: "month" }, { from: "2026-01-01", to: "2026-01-02" })).toBe(
      "month",
    );
  });
});

describe("going elsewhere", () => {
  it("is an entry of the history unless it only moves on, and none where nothing changes", () => {
    const entries: string[] = [];
    const location = { search: "?channel=a&zone=UTC", pathname: "/live-chat" };
    const to = (how: string) => (_: null, __: string, url: string) => {
      entries.push(`${how} ${url}`);
      location.search = url.slice(location.pathname.length);
    };
    vi.stubGlobal("location", location);
    vi.stubGlobal("history", { pushState: to("push"), replaceState: to("replace") });
    readAddress();
    go({ comment: true });
    go({ comment: true });
    go({ review: "d.1" }, "replace");
    expect(entries).toEqual([
      "push /live-chat?channel=a&comment=yes&zone=UTC",
      "replace /live-chat?channel=a&comment=yes&review=d.1&zone=UTC",
    ]);
    expect(address.value).toMatchObject({ channel: ["a"], comment: true, review: "d.1" });
    vi.unstubAllGlobals();
  });
});

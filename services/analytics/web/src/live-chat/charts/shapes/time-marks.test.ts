import { describe, expect, it } from "vitest";
import { clockIn, flagsOf, momentIn, placedMarks } from "./time-marks.ts";
import type { Bucket, TimeMark } from "./types.ts";

const bucket = (from: string, to: string): Bucket => ({ from, to }) as Bucket;
const mark = (at: string): TimeMark => ({ id: at, at }) as TimeMark;
const DAYS = [
  bucket("2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00"),
  bucket("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
];

describe("marks on the time axis", () => {
  it("stand where their moment is, on days of 23 hours too", () => {
    const marks = [mark("2026-03-28T11:00:00Z"), mark("2026-03-28T23:00:00Z"), mark("2026-03-29T10:30:00Z")];
    expect(placedMarks(DAYS, marks).map(({ number, index, into }) => [number, index, into])).toEqual([
      [1, 0, 0.5],
      [2, 1, 0],
      [3, 1, 0.5],
    ]);
  });

  it("are left out before the first day and from the end of the last", () => {
    expect(placedMarks(DAYS, [mark("2026-03-27T22:59:00Z"), mark("2026-03-29T22:00:00Z")])).toEqual([]);
  });

  it("share a flag where theirs would overlap", () => {
    expect(flagsOf([10, 20, 40, 57], 18)).toEqual([
      { x: 10, first: 1, last: 2 },
      { x: 40, first: 3, last: 4 },
    ]);
    expect(flagsOf([], 18)).toEqual([]);
  });
});

describe("a moment by the clocks of a zone", () => {
  it("is found around changes of the clocks", () => {
    expect(momentIn("Europe/Paris", "2026-03-29", "01:30").toISOString()).toBe("2026-03-29T00:30:00.000Z");
    expect(momentIn("Europe/Paris", "2026-03-29", "09:00").toISOString()).toBe("2026-03-29T07:00:00.000Z");
    expect(momentIn("Asia/Kathmandu", "2026-03-02", "12:00").toISOString()).toBe("2026-03-02T06:15:00.000Z");
    expect(momentIn("UTC", "2026-03-02", "12:00").toISOString()).toBe("2026-03-02T12:00:00.000Z");
  });

  it("is shown again as it was written", () => {
    const at = momentIn("America/New_York", "2026-11-20", "23:45");
    expect(clockIn("America/New_York", at)).toEqual({ date: "2026-11-20", time: "23:45" });
  });
});

import { describe, expect, test } from "vitest";
import {
  bodyOf,
  changed,
  embedding,
  newChannel,
  originOf,
  policy,
  rebased,
  wrongBy,
  wrongIn,
} from "./form.ts";

const SAVED = {
  ...newChannel("Europe/Paris"),
  ...{
    channel: "course-a",
    name: "Course A",
    allowed_origins: ["https://school.example"],
    locales: ["fr-CA"],
  },
};

test("what was changed: empty rows and another way to write the same are no change", () => {
  const same = { ...SAVED, allowed_origins: [" https://SCHOOL.example/ ", ""], locales: ["fr-ca", " "] };
  expect(changed(SAVED, same)).toEqual([]);
  expect(changed(SAVED, { ...SAVED, closed: true, name: "B" })).toEqual(["name", "closed"]);
  expect(bodyOf(same)).toEqual(bodyOf(SAVED));
  expect(bodyOf(SAVED)).not.toHaveProperty("channel");
});

test("what somebody else changed meanwhile is taken in, what was changed here stays", () => {
  const mine = { ...SAVED, name: "Course A, autumn" };
  const theirs = { ...SAVED, name: "Course Z", closed: true, version: 2 };
  expect(rebased(SAVED, mine, theirs)).toEqual({ ...theirs, name: "Course A, autumn" });
  expect(rebased(SAVED, SAVED, theirs)).toEqual(theirs);
});

test.each([
  ["https://school.example", "https://school.example"],
  ["https://school.example:443/", "https://school.example"],
  ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
  ["https://школа.example", "https://xn--80atdl2c.example"],
  ["school.example", null],
  ["https://school.example/path", null],
  ["https://school.example?a", null],
  ["https://ann@school.example", null],
  ["ftp://school.example", null],
])("%s is the origin %s", (text, origin) => {
  expect(originOf(text)).toBe(origin);
});

describe("what is wrong, by the service's codes", () => {
  test("nothing in a channel as it is", () => {
    expect(wrongIn(SAVED, null)).toEqual({});
  });

  test("each field and row says its own", () => {
    const edited = {
      ...SAVED,
      ...{ name: " ", time_zone: "Europe/Nowhere", locales: ["fr", "english!", "FR"] },
      allowed_origins: ["", "https://a.example", "a.example", "https://a.example/"],
    };
    expect(wrongIn(edited, null)).toEqual({
      name: "required",
      time_zone: "timezone-unknown",
      "locales.1": "not-a-language-tag",
      "locales.2": "given-twice",
      "allowed_origins.2": "not-an-origin",
      "allowed_origins.3": "given-twice",
    });
  });

  test("the id of a new channel is one, and nobody else's: saving would overwrite that channel", () => {
    const known = new Set(["course-a"]);
    expect(wrongIn(SAVED, known)).toEqual({ channel: "given-twice" });
    expect(wrongIn({ ...SAVED, channel: "-a" }, known)).toEqual({ channel: "not-an-id" });
    expect(wrongIn({ ...SAVED, channel: "a".repeat(65) }, known)).toEqual({ channel: "not-an-id" });
    expect(wrongIn({ ...SAVED, channel: "course-b" }, known)).toEqual({});
  });

  test("the service's errors come to the same fields", () => {
    const errors = [
      { field: "body.allowed_origins.2", code: "not-an-origin" },
      { field: "path.channel", code: "not-an-id" },
    ];
    expect(wrongBy(errors)).toEqual({ "allowed_origins.2": "not-an-origin", channel: "not-an-id" });
  });
});

test("what a site needs", () => {
  expect(embedding("https://candor.example", "course-a")).toBe(
    '<script src="https://candor.example/widget.js" data-channel="course-a" async></script>',
  );
  expect(policy("https://chat.example", "https://rating.example")).toBe(
    "script-src https://chat.example;\nconnect-src https://chat.example;\nframe-src https://rating.example;",
  );
});

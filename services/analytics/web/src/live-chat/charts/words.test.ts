import { expect, test } from "vitest";
import ru from "../../../messages/ru.json?messages";
import type { Patterns } from "./shapes/types.ts";
import { oddWords } from "./words.ts";

type Texts = Record<string, (args: Record<string, number>) => string>;

test("with a minimum of 21 ratings Russian says so, though 21 is written like 1", () => {
  const texts = ru as unknown as Texts;
  for (const key of ["chart.empty.few", "chart.offerWeek", "chart.legend.few"]) {
    const [one, many] = [1, 21].map((minimum) => texts[key]?.({ minimum }));
    expect(one).not.toMatch(/\d/);
    expect(many).toContain("меньше 21 ");
  }
});

test("what is odd is said of whom it is, and of nobody else", () => {
  const read = {
    whole: { withdrawn: { value: 4 }, bursts: { value: 1 } },
    rows: [
      {
        operator: "ann",
        odd: ["withdrawn", "bursts"],
        withdrawn: { value: 31, n: 42 },
        bursts: { value: 60, n: 40 },
      },
      { operator: "bo", odd: [], withdrawn: { value: 3, n: 40 } },
    ],
  } as unknown as Patterns;
  const said = [oddWords(read, "ann"), oddWords(read, "bo"), oddWords(read, null), oddWords(null, "ann")];
  expect(said.map((each) => each.length)).toEqual([2, 0, 0, 0]);
});

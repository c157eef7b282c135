import { expect, test } from "vitest";
import ru from "../../../messages/ru.json?messages";

type Texts = Record<string, (args: Record<string, number>) => string>;

test("with a minimum of 21 ratings Russian says so, though 21 is written like 1", () => {
  const texts = ru as unknown as Texts;
  for (const key of ["chart.empty.few", "chart.offerWeek", "chart.legend.few"]) {
    const [one, many] = [1, 21].map((minimum) => texts[key]?.({ minimum }));
    expect(one).not.toMatch(/\d/);
    expect(many).toContain("меньше 21 ");
  }
});

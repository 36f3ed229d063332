import { CronExpressionParser } from "cron-parser";

import { isCron } from "../../../components/lib/cron.ts";

const valid = [
  "* * * * *",
  "0 2 * * *",
  "*/15 * * * *",
  "5-59/10 0-23 1,15 1-12 0-6",
  "0 4 8-14 * *",
  "30 1 * JAN-mar Mon",
  "0 0 1 1 *",
  "0 0 * * SUN,WED",
];

const invalid = [
  "",
  "* * * *",
  "* * * * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "* * 32 * *",
  "* * * 0 *",
  "* * * 13 *",
  "*/0 * * * *",
  "*/ * * * *",
  "1-2-3 * * * *",
  "5-1 * * * *",
  "1/2/3 * * * *",
  "1,,2 * * * *",
  "* * * * MONDAY",
  "-1 * * * *",
  "a * * * *",
];

describe("a cron expression", () => {
  test.each(valid)("is %s, as another parser agrees", (expression) => {
    expect(isCron(expression)).toBe(true);
    expect(() => CronExpressionParser.parse(expression)).not.toThrow();
  });

  test.each(invalid)("is not %j", (expression) => {
    expect(isCron(expression)).toBe(false);
  });

  test.each(["@daily", "@every 5m", "TZ=UTC 0 2 * * *", "0 2 * * 7", "0  2 * * *"])(
    "is not %s: a schedule has one plain form",
    (expression) => {
      expect(isCron(expression)).toBe(false);
    },
  );
});

import { asWritten, restoreTime } from "../../config/data-values.ts";

test.each([
  ["2026-11-21 17:02:09.976 +0000 UTC", "2026-11-21T17:02:09.976Z"],
  ["2026-11-21 09:00:00 +0000 UTC", "2026-11-21T09:00:00Z"],
  ["2026-11-21 10:00:00 +0100 +0100", "2026-11-21T10:00:00+01:00"],
])("a time that nothing quoted, handed on as %s, is the time that was written", (given, meant) => {
  expect(restoreTime.parse(given)).toBe(meant);
});

test("leaves everything else as it is written", () => {
  for (const value of ["v1.4.0", "2026-11-21T09:00:00Z", "2026-11-21 09:00:00", 7, undefined])
    expect(asWritten(value)).toBe(value);
});

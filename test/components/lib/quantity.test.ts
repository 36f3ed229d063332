import { bytes, millicores } from "../../../components/lib/quantity.ts";

describe("bytes", () => {
  test.each([
    ["1Ki", 1024],
    ["256Mi", 268_435_456],
    ["1.5Gi", 1_610_612_736],
    ["2Ti", 2_199_023_255_552],
    ["1k", 1000],
    ["10G", 10_000_000_000],
    ["4096", 4096],
  ])("counts %s", (quantity, expected) => {
    expect(bytes(quantity)).toBe(expected);
  });

  test.each(["", "0", "0Gi", "Gi", "-1Gi", "1GB", "1gi", "1 Gi", "1e3", "0.5", "100m", "1.Gi"])(
    "refuses %j",
    (quantity) => {
      expect(bytes(quantity)).toBeUndefined();
    },
  );
});

describe("millicores", () => {
  test.each([
    ["1m", 1],
    ["250m", 250],
    ["2", 2000],
    ["1.5", 1500],
    ["0.001", 1],
    ["0.29", 290],
  ])("counts %s", (quantity, expected) => {
    expect(millicores(quantity)).toBe(expected);
  });

  test.each(["", "0", "0m", "m", "1.5m", "-1", "1.0001", "1cpu", "1k", ".5"])(
    "refuses %j",
    (quantity) => {
      expect(millicores(quantity)).toBeUndefined();
    },
  );
});

import { RunError } from "@pulumi/pulumi";

import { reportedAddress } from "../../components/gateway-address.ts";
import { scope } from "../support/args.ts";

describe("the address of a Gateway", () => {
  test.each(["192.0.2.1", "lb-1.elb.eu-north-1.amazonaws.com"])("is %s as reported", (value) => {
    const status = { addresses: [{ value }, { value: "192.0.2.2" }] };
    expect(reportedAddress(status, scope)).toBe(value);
  });

  test.each([
    ["no status", undefined, "(missing)"],
    ["no addresses", {}, "(missing)"],
    ["none among its addresses", { addresses: [] }, "(missing)"],
    ["an empty address", { addresses: [{ value: "" }] }, "(empty)"],
  ])("is refused for %s, naming the field, its value and both ways out", (_, status, value) => {
    const report = () => reportedAddress(status, scope);
    expect(report).toThrow(RunError);
    expect(report).toThrow("status.addresses of the Gateway acme-test/acme");
    expect(report).toThrow(value);
    expect(report).toThrow(/fix: .*statusAddress.*gatewayAddress/);
  });
});

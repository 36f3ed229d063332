import { verifiedHttps, redirectsToHttps, refusesOldTls } from "../../rehearsal/checks/gateway.ts";
import { gatewayAddress } from "../../rehearsal/verify.ts";
import { expectOutcome, fakeCluster, regionWith, subject } from "./checks/fake-cluster.ts";

const config = (gatewayAddress?: string) => ({
  product: "gravl",
  namespace: "gravl-local",
  regions: [
    { name: "eu-north-1", ...(gatewayAddress !== undefined && { gatewayAddress }) },
    { name: "eu-west-1", gatewayAddress: "192.0.2.99" },
  ],
});

const clusterWith = (status?: object) => {
  const metadata = { name: "gravl", namespace: "gravl-local" };
  return fakeCluster({ objects: { gateways: [{ metadata, ...(status && { status }) }] } });
};

const published = { addresses: [{ value: "192.0.2.1" }] };

describe("the address of a region's gateway", () => {
  it("is the one its Gateway publishes", async () => {
    expect(await gatewayAddress(clusterWith(published), "eu-north-1", config())).toBe("192.0.2.1");
  });

  it("is the region's configured one, whatever its Gateway publishes", async () => {
    const address = gatewayAddress(clusterWith(published), "eu-north-1", config("192.0.2.9"));
    expect(await address).toBe("192.0.2.9");
  });

  it.each([[undefined], [{}], [{ addresses: [] }]])(
    "is unknown with %j as the Gateway's status",
    async (status) => {
      expect(await gatewayAddress(clusterWith(status), "eu-north-1", config())).toBe("unknown");
    },
  );

  it("makes each check fail that needs it, with the reason, and asks nobody else", async () => {
    const region = regionWith({}, { address: "unknown" });
    const reason = /no address is known.*Fix: .*statusAddress.*gatewayAddress/;
    expectOutcome(await verifiedHttps(region, subject, 0.6), "failed", reason);
    expectOutcome(await redirectsToHttps(region, subject), "failed", reason);
    expectOutcome(await refusesOldTls(region, subject), "failed", reason);
  });
});

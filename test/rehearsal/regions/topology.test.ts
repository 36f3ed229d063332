import { BlockList } from "node:net";
import {
  type Topology,
  hosts,
  nodePodCidr,
  podGateway,
  regions,
  topology,
  wan,
} from "../../../rehearsal/regions/topology.ts";

const within = (cidr: string, address: string): boolean => {
  const [network = "", prefix = ""] = cidr.split("/");
  const list = new BlockList();
  list.addSubnet(network, Number(prefix));
  return list.check(address);
};
const firstOf = (cidr: string): string => cidr.split("/")[0] ?? "";
const networks = (region: Topology): string[] => [region.podCidr, region.serviceCidr];

describe("topology", () => {
  it("is what the rest of the project was promised", () => {
    expect(topology.a).toMatchObject({
      awsRegion: "eu-north-1",
      ip: "10.90.0.1",
      kubeContext: "lifeline-eu-north-1",
      s3: { host: "s3.eu-north-1.lifeline.test", region: "eu-north-1" },
    });
    expect(topology.b).toMatchObject({
      awsRegion: "eu-west-1",
      ip: "10.90.0.2",
      kubeContext: "lifeline-eu-west-1",
    });
    expect(wan).toMatchObject({ cidr: "10.90.0.0/24", hostIp: "10.90.0.254" });
  });

  it("keeps every network apart from every other", () => {
    const all = [wan.cidr, ...regions.flatMap(networks)];
    all.forEach((one, index) => {
      for (const other of all.toSpliced(index, 1)) expect(within(one, firstOf(other))).toBe(false);
    });
  });

  it.each(regions)("puts the addresses of $awsRegion into their networks", (region) => {
    expect(within(wan.cidr, region.ip)).toBe(true);
    expect(within(region.serviceCidr, region.dnsIp)).toBe(true);
    expect(within(region.serviceCidr, region.apiServiceIp)).toBe(true);
    expect(within(region.podCidr, firstOf(nodePodCidr(region)))).toBe(true);
    expect(within(nodePodCidr(region), podGateway(region))).toBe(true);
  });

  it("gives no two regions the same name, address or link", () => {
    for (const field of [
      "awsRegion",
      "nodeName",
      "ip",
      "host",
      "kubeContext",
      "cgroup",
      "link",
    ] as const) {
      expect(new Set(regions.map((region) => region[field])).size).toBe(regions.length);
    }
  });

  it("resolves each region's S3 to the region", () => {
    for (const { ip, s3 } of regions) expect(hosts).toContainEqual({ ip, name: s3.host });
  });

  it("names links as the kernel allows, in at most 15 characters", () => {
    for (const link of [wan.hostLink, ...regions.map((region) => region.link)])
      expect(link).toMatch(/^[a-z0-9-]{1,15}$/);
  });
});

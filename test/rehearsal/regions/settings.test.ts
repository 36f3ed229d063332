import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import {
  cniConfig,
  containerdConfig,
  hostsFile,
  kubeProxyConfig,
  kubeletConfig,
} from "../../../rehearsal/regions/config.ts";
import { inClusterNames, kubeconfigOf } from "../../../rehearsal/regions/credentials.ts";
import { daemonPlan } from "../../../rehearsal/regions/daemons.ts";
import { fill } from "../../../rehearsal/regions/equipment.ts";
import { inside, manifestsFolder } from "../../../rehearsal/regions/folders.ts";
import { digestIn, pin } from "../../../rehearsal/regions/images.ts";
import { signedHeaders } from "../../../rehearsal/regions/s3-client.ts";
import { toolNames } from "../../../rehearsal/regions/tools.ts";
import { regions, topology } from "../../../rehearsal/regions/topology.ts";

const region = topology.a;
const s3 = { accessKey: "ACCESS", secretKey: "canary-secret" };
const plan = daemonPlan(region, s3);
const daemon = (name: string) => plan.daemons.find((one) => one.name === name)!;

describe("the daemons of a region", () => {
  it("use every tool of the region but those for this machine and for pods", () => {
    const used = new Set(plan.daemons.map(({ command }) => command[0]));
    for (const tool of toolNames.filter((name) => name !== "kubectl" && name !== "pause")) {
      expect(used).toContain(`${inside.tools}/${tool}`);
    }
  });

  it("come after earlier ones only, so that stopping in the reverse order is safe", () => {
    plan.daemons.forEach(({ after = [] }, index) => {
      const earlier = plan.daemons.slice(0, index).map(({ name }) => name);
      expect(earlier).toEqual(expect.arrayContaining([...after]));
    });
  });

  it("stop with the kubelet first and then its pods, while what pods need still runs", () => {
    expect(plan.daemons.at(-1)).toMatchObject({ name: "kubelet", stopsPods: true });
    expect(plan.daemons.filter(({ stopsPods }) => stopsPods)).toHaveLength(1);
  });

  it("show no secret in a process list", () => {
    expect(JSON.stringify(plan.daemons.map(({ command }) => command))).not.toContain(s3.secretKey);
    expect(daemon("s3").environment).toEqual({
      ROOT_ACCESS_KEY: s3.accessKey,
      ROOT_SECRET_KEY: s3.secretKey,
    });
  });

  it("keep both regions apart: nothing of one names an address or network of the other", () => {
    const text = JSON.stringify([
      plan,
      kubeletConfig(region),
      kubeProxyConfig(region),
      cniConfig(region),
    ]);
    for (const foreign of [
      topology.b.ip,
      topology.b.podCidr,
      topology.b.serviceCidr,
      topology.b.awsRegion,
    ]) {
      expect(text).not.toContain(foreign);
    }
  });

  it("scale out within seconds of a deployment", () => {
    expect(daemon("kube-controller-manager").command).toContain(
      "--horizontal-pod-autoscaler-sync-period=2s",
    );
  });
});

describe("settings of a region", () => {
  it("keep sockets short enough for the kernel", () => {
    for (const path of [
      inside.containerd,
      inside.networkPolicy,
      `${inside.state}/kubelet/device-plugins/kubelet.sock`,
    ]) {
      expect(path.length).toBeLessThan(108);
    }
  });

  it("hold a new pod back until its network policy is in force", () => {
    expect(cniConfig(region).plugins.at(-1)).toEqual({
      type: "region-agent",
      socket: inside.networkPolicy,
    });
  });

  it("never collect an image, which could not be pulled again", () => {
    expect(kubeletConfig(region)).toMatchObject({ imageGCHighThresholdPercent: 100 });
    expect(containerdConfig("localhost/lifeline/pause:1")).toContain(
      'sandbox_image = "localhost/lifeline/pause:1"',
    );
  });

  it("let pods without capabilities listen on ports 80 and 443", () => {
    expect(containerdConfig("p")).toContain("enable_unprivileged_ports = true");
  });

  it("leave the whole machine's connection tracking alone", () => {
    expect(kubeProxyConfig(region).conntrack).toMatchObject({ maxPerCore: 0, min: 0 });
  });

  it("tell the node every region's names", () => {
    for (const { ip, s3: server } of regions)
      expect(hostsFile(region)).toContain(`${ip} ${server.host}\n`);
  });
});

describe("manifests", () => {
  const values = {
    dnsIp: "10.101.0.10",
    corednsImage: "c",
    traefikImage: "t",
    hosts: "h",
    domain: "d",
    gatewayIp: "g",
  };
  const load = (name: string) =>
    parseAllDocuments(fill(readFileSync(join(manifestsFolder, name), "utf8"), values)).map(
      (document) =>
        document.toJS() as {
          kind: string;
          spec?: { template?: { spec: Record<string, unknown> } };
        },
    );

  it.each(["base.yaml", "gateway.yaml"])(
    "%s leaves no place unfilled and pins no image by itself",
    (name) => {
      const text = readFileSync(join(manifestsFolder, name), "utf8");
      expect(fill(text, values)).not.toContain("{{");
      expect(text.match(/image: .*/g)?.every((line) => /"\{\{\w+\}\}"$/.test(line))).toBe(true);
    },
  );

  it("refuse a place without a value", () => {
    expect(() => fill("a: {{unknown}}", values)).toThrow("no value for {{unknown}}");
  });

  it("run every container unprivileged", () => {
    const pods = ["base.yaml", "gateway.yaml"]
      .flatMap(load)
      .filter(({ kind }) => kind === "Deployment");
    expect(pods).toHaveLength(2);
    for (const { spec } of pods) {
      expect(spec?.template?.spec).toMatchObject({
        securityContext: { runAsNonRoot: true },
        containers: [
          {
            imagePullPolicy: "IfNotPresent",
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          },
        ],
      });
    }
  });

  it("serve a Gateway's listeners on 80 and 443", () => {
    const text = readFileSync(join(manifestsFolder, "gateway.yaml"), "utf8");
    for (const port of [80, 443])
      expect(text).toMatch(new RegExp(`entryPoints\\.\\w+\\.address=:${String(port)}$`, "m"));
  });
});

describe("a kubeconfig", () => {
  it("has one context per region, each with its own cluster and user", () => {
    const pair = { certificate: "certificate", key: "key" };
    const entries = regions.map((one) => ({
      region: one,
      server: one.apiServer,
      authority: "authority",
      pair,
    }));
    const config = JSON.parse(kubeconfigOf(entries)) as {
      contexts: { name: string; context: { cluster: string; user: string } }[];
      clusters: { name: string; cluster: { server: string } }[];
    };
    expect(config.contexts.map(({ name }) => name)).toEqual([
      "lifeline-eu-north-1",
      "lifeline-eu-west-1",
    ]);
    for (const { name, context } of config.contexts)
      expect(context).toEqual({ cluster: name, user: name });
    expect(config.clusters.map(({ cluster }) => cluster.server)).toEqual(
      regions.map(({ apiServer }) => apiServer),
    );
  });

  it("reaches the API server by every name that pods use", () => {
    expect(inClusterNames("kubernetes.default.svc.cluster.local")).toEqual([
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      "kubernetes.default.svc.cluster.local",
    ]);
  });
});

describe("an image's digest", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const table = `REF TYPE DIGEST SIZE\nlocalhost/lifeline/web:v1 application/vnd.oci.image ${digest} 3 MiB\n`;

  it("is read from containerd's table and replaces the tag", () => {
    expect(digestIn(table, "localhost/lifeline/web:v1")).toBe(digest);
    expect(pin("localhost/lifeline/web:v1", digest)).toBe(`localhost/lifeline/web@${digest}`);
    expect(pin("localhost:5000/web:v1", digest)).toBe(`localhost:5000/web@${digest}`);
  });

  it("is missed with the name that the archive should have had", () => {
    expect(() => digestIn(table, "localhost/lifeline/web:v")).toThrow(
      "image localhost/lifeline/web:v is not in its archive",
    );
  });
});

describe("a signed request", () => {
  const request = {
    method: "GET",
    path: "/",
    query: "",
    host: "s3.test",
    body: "",
    now: new Date("2026-01-02T03:04:05.678Z"),
  };
  const access = { ...s3, region: "eu-north-1" };
  const signature = (change: object = {}) =>
    signedHeaders(access, { ...request, ...change })["authorization"];

  it("says when, where and who, without the secret", () => {
    expect(signedHeaders(access, request)).toMatchObject({ "x-amz-date": "20260102T030405Z" });
    expect(signature()).toContain("Credential=ACCESS/20260102/eu-north-1/s3/aws4_request, ");
    expect(signature()).not.toContain(s3.secretKey);
  });

  it.each([
    { method: "PUT" },
    { path: "/bucket" },
    { query: "policy=" },
    { body: "x" },
    { host: "other.test" },
  ])("has another signature with %p", (change) => {
    expect(signature(change)).not.toBe(signature());
  });
});

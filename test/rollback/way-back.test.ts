import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { Provider as AwsProvider } from "@pulumi/aws/provider.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";

import type { Release } from "../../config/release.ts";
import { sealOf } from "../../config/released.ts";
import { brokenSeals, brokenWindows, olderProviders } from "../../rollback/check/kept-releases.ts";
import { wayBack } from "../../rollback/check/way-back.ts";
import { declare } from "../support/declare.ts";
import { releaseOf, releases } from "./story.ts";

type Build = () => void;

/** What the way back from one program to another would do wrong. */
async function findings(newer: Build, older: Build) {
  return wayBack(await declare(newer), await declare(older));
}

const rulesOf = async (newer: Build, older: Build) =>
  (await findings(newer, older)).map(({ rule, subject }) => [rule, subject]).sort();

const selector = { matchLabels: { app: "db" } };
const template = { metadata: { labels: { app: "db" } }, spec: { containers: [] } };

interface Server {
  readonly name?: string;
  readonly object?: string;
  readonly spec?: object;
  readonly opts?: pulumi.CustomResourceOptions;
}

function server({
  name = "server",
  object = "db",
  spec = {},
  opts = {},
}: Server = {}): StatefulSet {
  return new StatefulSet(
    name,
    {
      metadata: { name: object, namespace: "acme" },
      spec: { serviceName: "db", selector, template, ...spec },
    },
    opts,
  );
}

const job = (name: string, object: string, command: string) =>
  new Job(name, {
    metadata: { name: object, namespace: "acme" },
    spec: { template: { spec: { containers: [{ name: "it", command: [command] }] } } },
  });

class Group extends pulumi.ComponentResource {
  constructor(name: string, build: (parent: pulumi.Resource) => void, aliases: string[] = []) {
    super("lifeline:test:Group", name, {}, { aliases: aliases.map((it) => ({ name: it })) });
    build(this);
  }
}

describe("a change is refused when its way back", () => {
  test("deletes a database that the earlier program does not know", async () => {
    expect(
      await rulesOf(
        () => [server(), server({ name: "second", object: "db-2" })],
        () => server(),
      ),
    ).toEqual([["deletes state", "second"]]);
  });

  test("deletes anything that is protected", async () => {
    const kept = () => new ConfigMap("kept", { data: {} }, { protect: true });
    expect(
      await rulesOf(
        () => [server(), kept()],
        () => server(),
      ),
    ).toEqual([["deletes state", "kept"]]);
  });

  test.each([
    ["serviceName", { serviceName: "other" }],
    ["volumeClaimTemplates", { volumeClaimTemplates: [{ metadata: { name: "data" } }] }],
    ["selector", { selector: { matchLabels: { app: "other" } } }],
    ["podManagementPolicy", { podManagementPolicy: "Parallel" }],
    ["revisionHistoryLimit", { revisionHistoryLimit: 3 }],
  ])("replaces a StatefulSet for its %s", async (field, spec) => {
    const [finding, ...others] = await findings(
      () => server({ spec }),
      () => server(),
    );
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ rule: "replaces state", subject: "server" });
    expect(finding?.reason).toContain(`spec.${field}`);
  });

  test("replaces a bucket or a password", async () => {
    const program = (bucket: string, length: number) => () => {
      new Bucket("archive", { bucket });
      new RandomPassword("password", { length });
    };
    expect(await rulesOf(program("b", 32), program("a", 16))).toEqual([
      ["replaces state", "archive"],
      ["replaces state", "password"],
    ]);
  });

  test("replaces whatever is protected and says that it replaces", async () => {
    const program = (color: string) => () =>
      new AwsProvider("p", {}) &&
      new Bucket("archive", { tags: { color } }, { replaceOnChanges: ["tags"] });
    expect(await rulesOf(program("red"), program("blue"))).toEqual([["replaces state", "archive"]]);
  });

  test("replaces a provider, and with it everything made through it", async () => {
    const program = (clusterIdentifier: string) => () =>
      new Provider("cluster", { clusterIdentifier });
    expect(await rulesOf(program("new"), program("old"))).toEqual([
      ["replaces a provider", "cluster"],
    ]);
  });

  test("lacks an alias: the same object under another name, or another parent", async () => {
    const renamed = await findings(
      () => server({ name: "database" }),
      () => server(),
    );
    expect(renamed).toMatchObject([{ rule: "missing alias", subject: "database" }]);
    expect(renamed[0]?.reason).toContain("calls the same object server");
    const moved = () => new Group("group", (parent) => server({ opts: { parent } }));
    expect(await rulesOf(moved, () => server())).toEqual([["missing alias", "server"]]);
  });

  test("lacks it even when the newer program has the alias: the earlier one runs on the way back", async () => {
    const aliased = () => server({ name: "database", opts: { aliases: [{ name: "server" }] } });
    expect(await rulesOf(aliased, () => server())).toEqual([["missing alias", "database"]]);
  });

  test("collides on a Job: one name, two contents", async () => {
    expect(
      await rulesOf(
        () => job("job", "migrate", "two"),
        () => job("job", "migrate", "one"),
      ),
    ).toEqual([["job collision", "job"]]);
    expect(
      await rulesOf(
        () => job("b", "migrate", "one"),
        () => job("a", "migrate", "one"),
      ),
    ).toEqual([
      ["job collision", "b"],
      ["missing alias", "b"],
    ]);
  });

  test("needs a package that the earlier program lacks", async () => {
    const bucket = () => new Bucket("b", { bucket: "b" }, { protect: false });
    const rules = await rulesOf(
      () => [server(), bucket()],
      () => server(),
    );
    expect(rules).toContainEqual(["unknown package", "aws"]);
  });
});

describe("a change is fine when its way back", () => {
  test.each<[string, Build, Build]>([
    ["changes nothing", () => server(), () => server()],
    [
      "updates a database in place",
      () =>
        server({
          spec: { replicas: 3, template: { ...template, spec: { containers: [{ name: "x" }] } } },
        }),
      () => server(),
    ],
    ["brings a resource back", () => server(), () => [server(), job("job", "migrate", "one")]],
    [
      "removes what can be made again",
      () => [server(), job("job", "migrate-1", "x")],
      () => server(),
    ],
    [
      "replaces what can be made again",
      () => new Deployment("web", { spec: { selector, template } }),
      () =>
        new Deployment("web", { spec: { selector: { matchLabels: { app: "web" } }, template } }),
    ],
    [
      "runs a Job of another name",
      () => job("job", "migrate-2", "two"),
      () => job("job", "migrate-1", "one"),
    ],
    [
      "finds an alias in the earlier program",
      () => server({ name: "database" }),
      () => server({ opts: { aliases: [{ name: "database" }] } }),
    ],
    [
      "finds an alias of the parent in the earlier program",
      () => new Group("new", (parent) => server({ opts: { parent } })),
      () => new Group("old", (parent) => server({ opts: { parent } }), ["new"]),
    ],
    [
      "finds an alias to having no parent",
      () => server(),
      () =>
        new Group("group", (parent) =>
          server({ opts: { parent, aliases: [{ parent: pulumi.rootStackResource }] } }),
        ),
    ],
  ])("%s", async (_, newer, older) => {
    expect(await findings(newer, older)).toEqual([]);
  });
});

describe("kept releases", () => {
  test("a migration that the release before does not run on is refused, unless it says so", () => {
    expect(brokenWindows(releases)).toMatchObject([
      { rule: "schema window", subject: "releases/v1.4.0.yaml" },
    ]);
    const story = (breaking?: string): Release[] =>
      releases.map((it) =>
        it.version === "v1.4.0" && breaking !== undefined
          ? { ...it, schema: { ...it.schema, breaking } }
          : it,
      );
    expect(brokenWindows(story("renames a column"))).toEqual([]);
    expect(brokenWindows([...story("renames a column")].reverse())).toEqual([]);
  });

  test("a released file that changed is refused, and so is a seal that was taken back", () => {
    const release = releaseOf("v1.1.0");
    const seals = { "v1.1.0": sealOf(release) };
    expect(brokenSeals([release], seals, seals)).toEqual([]);
    const changed = { ...release, schema: { ...release.schema, max: 9 } };
    expect(brokenSeals([changed], seals, seals)).toMatchObject([
      { rule: "released file", subject: "releases/v1.1.0.yaml: schema.max" },
    ]);
    expect(brokenSeals([changed], { "v1.1.0": sealOf(changed) }, seals)).toMatchObject([
      { rule: "released file", subject: "releases/released.json: v1.1.0" },
    ]);
    expect(brokenSeals([], {}, undefined)).toEqual([]);
  });

  test("a provider whose major version goes down is refused", () => {
    const then = { "@pulumi/aws": "6.83.0", "@pulumi/kubernetes": "4.33.0", zod: "3.0.0" };
    const now = { "@pulumi/aws": "7.48.0", "@pulumi/kubernetes": "4.34.2", zod: "4.0.0" };
    expect(olderProviders(now, then)).toMatchObject([
      { rule: "older provider", subject: "@pulumi/aws" },
    ]);
    expect(olderProviders(then, now)).toEqual([]);
  });
});

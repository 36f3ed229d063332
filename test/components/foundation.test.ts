import { Access } from "../../components/access.ts";
import { AppSecrets } from "../../components/app-secrets.ts";
import { GeneratedSecrets } from "../../components/generated-secrets.ts";
import { Namespace } from "../../components/namespace.ts";
import { RegionProviders } from "../../components/region-providers.ts";
import type { GraphView } from "../../rehearsal/graph-view.ts";
import { accessArgs, namespaceArgs, regionProvidersArgs, scope } from "../support/args.ts";
import { all, at, declare, objectName, only, valueOf } from "../support/declare.ts";

describe("Namespace", () => {
  let graph: GraphView;
  beforeAll(async () => {
    graph = await declare(() => new Namespace("it", namespaceArgs));
  });

  test.each(["enforce", "audit", "warn"])("%ss Pod Security Standards restricted", (mode) => {
    const labels = at(only(graph, "Namespace").inputs, "metadata", "labels");
    expect(at(labels, `pod-security.kubernetes.io/${mode}`)).toBe("restricted");
    expect(at(labels, `pod-security.kubernetes.io/${mode}-version`)).toMatch(/^v1\.\d+$/);
  });

  test("is neither deleted nor replaced, and its objects outlive the program's interest", () => {
    const { protect, retainOnDelete } = only(graph, "Namespace").options;
    expect({ protect, retainOnDelete }).toEqual({ protect: true, retainOnDelete: true });
  });

  test("limits what all pods may ask for together, and refuses ways in that are not the database's", () => {
    expect(at(only(graph, "ResourceQuota").inputs, "spec", "hard")).toEqual({
      "requests.cpu": "100m",
      "requests.memory": "128Mi",
      "limits.cpu": "1",
      "limits.memory": "256Mi",
      "requests.storage": "10Gi",
      pods: "20",
      "services.loadbalancers": "0",
      "services.nodeports": "3",
    });
  });

  test("lets two load balancers in where the regions reach each other by them, with a node's port behind each of theirs", async () => {
    const args = { ...namespaceArgs, peering: "loadBalancer" } as const;
    const balanced = await declare(() => new Namespace("it", args));
    expect(at(only(balanced, "ResourceQuota").inputs, "spec", "hard")).toMatchObject({
      "services.loadbalancers": "2",
      "services.nodeports": "3",
    });
  });

  test("limits each container, also one that says nothing", () => {
    expect(at(only(graph, "LimitRange").inputs, "spec", "limits")).toEqual([
      {
        type: "Container",
        defaultRequest: { cpu: "100m", memory: "128Mi" },
        default: { cpu: "1", memory: "256Mi" },
        max: { cpu: "2", memory: "1Gi" },
      },
    ]);
  });
});

describe("Access", () => {
  const rules = (graph: GraphView) =>
    at(only(graph, "Role").inputs, "rules") as { resources: string[]; verbs: string[] }[];
  const verbsOn = (graph: GraphView, resource: string) =>
    rules(graph)
      .filter(({ resources }) => resources.includes(resource))
      .flatMap(({ verbs }) => verbs);

  test("binds the deployer to its Role, and nobody else", async () => {
    const graph = await declare(() => new Access("it", accessArgs));
    expect(only(graph, "RoleBinding").inputs).toMatchObject({
      roleRef: { kind: "Role", name: "acme-deployer" },
      subjects: [{ kind: "ServiceAccount", name: "acme-deployer", namespace: "acme-test" }],
    });
  });

  test("never lets the deployer touch the database, the network or anybody's rights", async () => {
    const graph = await declare(() => new Access("it", accessArgs));
    expect(verbsOn(graph, "deployments")).toContain("patch");
    expect(verbsOn(graph, "deployments")).not.toContain("delete");
    for (const resource of ["statefulsets", "networkpolicies", "roles", "serviceaccounts"]) {
      expect(verbsOn(graph, resource)).toEqual([]);
    }
    expect(verbsOn(graph, "persistentvolumeclaims")).toEqual(["get", "list", "watch"]);
  });

  test("keeps Secrets from the deployer when the External Secrets operator writes them", async () => {
    const graph = await declare(() => new Access("it", { ...accessArgs, secrets: "external" }));
    expect(verbsOn(graph, "secrets")).toEqual([]);
    expect(verbsOn(graph, "externalsecrets")).toContain("create");
  });

  test("gives every workload an identity of its own, without a token", async () => {
    const graph = await declare(() => new Access("it", accessArgs));
    const accounts = all(graph, "ServiceAccount");
    expect(accounts.map(objectName).sort()).toEqual(
      [
        ...["acme-deployer", "backend", "frontend", "migration", "smoke"],
        ...["database", "backup", "restore-proof", "gate"],
      ].sort(),
    );
    for (const { inputs } of accounts) expect(inputs["automountServiceAccountToken"]).toBe(false);
  });

  test("hands the registry credentials to the workloads and not to the deployer", async () => {
    const graph = await declare(
      () => new Access("it", { ...accessArgs, pullSecret: "registry-pull-secret" }),
    );
    const holders = all(graph, "ServiceAccount").filter(
      ({ inputs }) => inputs["imagePullSecrets"] !== undefined,
    );
    expect(holders.map(objectName)).toEqual([
      ...["database", "backup", "restore-proof", "gate"],
      ...["backend", "frontend", "migration", "smoke"],
    ]);
  });

  test("gives a role of AWS to the workloads that are named, and to no other", async () => {
    const roleArns = { database: "arn:aws:iam::480012345678:role/archive" };
    const graph = await declare(() => new Access("it", { ...accessArgs, roleArns }));
    const annotated = all(graph, "ServiceAccount").flatMap((account) => {
      const arn = at(account.inputs, "metadata", "annotations", "eks.amazonaws.com/role-arn");
      return arn === undefined ? [] : [[objectName(account), arn]];
    });
    expect(annotated).toEqual([["database", "arn:aws:iam::480012345678:role/archive"]]);
  });
});

describe("AppSecrets", () => {
  const generated = {
    mode: "generated",
    postgresPassword: "hidden-password",
    jwtSecret: "hidden-key",
  } as const;

  test("keeps generated values secret on their way to the engine", async () => {
    const graph = await declare(() => new AppSecrets("it", { scope, source: generated }));
    expect(only(graph, "Secret", "postgres-secret").inputs["stringData"]).toEqual({
      POSTGRES_PASSWORD: "[secret]",
    });
    expect(only(graph, "Secret", "app-secret").inputs["stringData"]).toEqual({
      JWT_SECRET: "[secret]",
    });
    expect(JSON.stringify(graph.resources)).not.toContain("hidden");
  });

  test("declares registry credentials only when there are any", async () => {
    const without = await declare(() => new AppSecrets("it", { scope, source: generated }));
    expect(all(without, "Secret")).toHaveLength(2);
    const source = { ...generated, registryConfig: "{}" };
    const graph = await declare(() => new AppSecrets("it", { scope, source }));
    expect(only(graph, "Secret", "registry-pull-secret").inputs).toMatchObject({
      type: "kubernetes.io/dockerconfigjson",
      stringData: { ".dockerconfigjson": "[secret]" },
    });
  });

  test("asks the region's own Secrets Manager, by a role of the namespace, and waits for the answer", async () => {
    const graph = await declare(
      () =>
        new AppSecrets("it", {
          scope,
          source: {
            mode: "external",
            region: "eu-west-1",
            roleArn: "arn:aws:iam::111122223333:role/reader",
            deadlineSeconds: 60,
            names: { postgres: "acme/postgres", app: "acme/app", registry: "acme/registry" },
          },
        }),
    );
    expect(all(graph, "Secret")).toEqual([]);
    expect(at(only(graph, "SecretStore").inputs, "spec", "provider", "aws")).toEqual({
      service: "SecretsManager",
      region: "eu-west-1",
      auth: { jwt: { serviceAccountRef: { name: "secret-reader" } } },
    });
    const password = only(graph, "ExternalSecret", "postgres-secret").inputs;
    expect(at(password, "metadata", "annotations", "pulumi.com/waitFor")).toBe("condition=Ready");
    expect(at(password, "spec")).toMatchObject({
      secretStoreRef: { kind: "SecretStore", name: "secrets-manager" },
      target: { name: "postgres-secret", creationPolicy: "Orphan" },
      data: [{ secretKey: "POSTGRES_PASSWORD", remoteRef: { key: "acme/postgres" } }],
    });
  });

  test("changes no password or token key under running pods, and follows the registry's credentials", async () => {
    const graph = await declare(
      () =>
        new AppSecrets("it", {
          scope,
          source: {
            mode: "external",
            region: "eu-west-1",
            roleArn: "arn:aws:iam::111122223333:role/reader",
            deadlineSeconds: 60,
            names: { postgres: "acme/postgres", app: "acme/app", registry: "acme/registry" },
          },
        }),
    );
    const refresh = all(graph, "ExternalSecret").map((it) => {
      const spec = it.inputs["spec"];
      return [objectName(it), at(spec, "refreshPolicy"), at(spec, "refreshInterval")];
    });
    expect(refresh).toEqual([
      ["postgres-secret", "CreatedOnce", undefined],
      ["app-secret", "CreatedOnce", undefined],
      ["registry-pull-secret", "Periodic", "1h"],
    ]);
  });

  test("keeps the token key of each pinned version apart, so that going back finds the earlier one", async () => {
    const secret = async (appVersion?: string) => {
      const source = generated;
      const graph = await declare(
        () => new AppSecrets("it", { scope, source, ...(appVersion && { appVersion }) }),
      );
      const found = all(graph, "Secret").filter(({ name }) => name === "it-app-secret");
      expect(JSON.stringify(found)).not.toContain("hidden");
      return found.map(objectName).join();
    };
    expect(await secret()).toBe("app-secret");
    expect(await secret("2")).toMatch(/^app-secret-[0-9a-f]{10}$/);
    expect(await secret("2")).not.toBe(await secret("3"));
  });

  test("asks for exactly the pinned version of an external token key, and of no other secret", async () => {
    const graph = await declare(
      () =>
        new AppSecrets("it", {
          scope,
          appVersion: "5f2c",
          source: {
            mode: "external",
            region: "eu-west-1",
            roleArn: "arn:aws:iam::111122223333:role/reader",
            deadlineSeconds: 60,
            names: { postgres: "acme/postgres", app: "acme/app", registry: "acme/registry" },
          },
        }),
    );
    const refs = all(graph, "ExternalSecret").map((it) =>
      at(it.inputs, "spec", "data", 0, "remoteRef"),
    );
    expect(refs).toHaveLength(3);
    expect(refs).toEqual(
      expect.arrayContaining([
        { key: "acme/postgres" },
        { key: "acme/app", version: "uuid/5f2c" },
        { key: "acme/registry" },
      ]),
    );
  });
});

describe("GeneratedSecrets", () => {
  test("keeps what it generated, and tells it to nobody in plain text", async () => {
    const passwords: Promise<string>[] = [];
    const graph = await declare(
      () => {
        const secrets = new GeneratedSecrets("it", { regions: ["eu-north-1", "eu-west-1"] });
        passwords.push(valueOf(secrets.postgresPassword));
      },
      { generatedSecret: "canary" },
    );
    expect(await passwords[0]).toBe("canary");
    for (const { options } of all(graph, "RandomPassword")) expect(options.protect).toBe(true);
    expect(JSON.stringify(graph.resources)).not.toContain("canary");
  });
});

describe("RegionProviders", () => {
  const cluster = async (role: "primary" | "standby") =>
    only(
      await declare(() => new RegionProviders("it", { ...regionProvidersArgs, role })),
      "kubernetes",
    ).inputs;

  test("skips an unreachable cluster only where nobody is served", async () => {
    expect(at(await cluster("primary"), "skipUpdateUnreachable")).toBe("false");
    expect(at(await cluster("standby"), "skipUpdateUnreachable")).toBe("true");
  });

  test("changes nothing else with the role, so that a flip replaces no provider", async () => {
    const [primary, standby] = [await cluster("primary"), await cluster("standby")];
    const differing = Object.keys(primary).filter((key) => primary[key] !== standby[key]);
    expect(differing).toEqual(["skipUpdateUnreachable"]);
    expect(primary["clusterIdentifier"]).toBe("acme-test-eu-north-1");
  });

  test("takes over objects that an interrupted run left", async () => {
    expect(at(await cluster("primary"), "upsertExistingObjects")).toBe("true");
  });
});

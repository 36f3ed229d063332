import { PostgresRole } from "../../../components/postgres/role.ts";
import type { GraphView } from "../../../rehearsal/graph-view.ts";
import { postgresRoleArgs } from "../../support/args.ts";
import { all, at, declare, objectName, only } from "../../support/declare.ts";

const labels = {
  "app.kubernetes.io/name": "postgres",
  "app.kubernetes.io/component": "database",
  "postgres-cluster": "postgres-1",
};

describe("PostgresRole", () => {
  const follow = { host: "db.west.acme.test", port: 30432 };
  const config = (graph: GraphView) =>
    JSON.parse(
      String(at(only(graph, "ConfigMap").inputs, "metadata", "annotations", "config")),
    ) as object;

  test("owns one annotation of the ConfigMap that Patroni finds by its labels", async () => {
    const graph = await declare(() => new PostgresRole("it", postgresRoleArgs));
    const { inputs } = only(graph, "ConfigMap", "postgres-1-config");
    expect(at(inputs, "metadata", "labels")).toMatchObject(labels);
    expect(at(inputs, "data")).toBeUndefined();
    expect(Object.keys(at(inputs, "metadata", "annotations") as object)).toEqual([
      "config",
      // Not the object's: what the engine does with a conflict.
      "pulumi.com/patchForce",
    ]);
  });

  test("keeps what Patroni knows about the cluster, whatever happens to the program", async () => {
    const graph = await declare(() => new PostgresRole("it", postgresRoleArgs));
    expect(only(graph, "ConfigMap").options).toMatchObject({ protect: true, retainOnDelete: true });
  });

  test("follows the other region where it does not write, and else nobody", async () => {
    const standby = await declare(() => new PostgresRole("it", { ...postgresRoleArgs, follow }));
    const primary = await declare(() => new PostgresRole("it", postgresRoleArgs));
    expect(config(standby)).toMatchObject({ standby_cluster: follow });
    expect(config(primary)).not.toHaveProperty("standby_cluster");
  });

  test("says it for every generation", async () => {
    const generations = [
      { number: 1, storage: "10Gi" },
      { number: 2, storage: "20Gi" },
    ];
    const graph = await declare(() => new PostgresRole("it", { ...postgresRoleArgs, generations }));
    expect(all(graph, "ConfigMap").map(objectName)).toEqual([
      "postgres-1-config",
      "postgres-2-config",
    ]);
  });
});

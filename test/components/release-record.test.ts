import type * as pulumi from "@pulumi/pulumi";

import { ReleaseRecord } from "../../components/release-record.ts";
import { stateFrom } from "../../rollback/state.ts";
import { scope } from "../support/args.ts";
import { declare, only, valueOf } from "../support/declare.ts";

const record = '{"format":1,"deployments":[],"denials":[]}';

describe("ReleaseRecord", () => {
  test("shows people in the region what runs and what happened", async () => {
    const graph = await declare(
      () => new ReleaseRecord("it", { scope, release: "v1.2.0", record }),
    );
    expect(only(graph, "ConfigMap").inputs).toMatchObject({
      metadata: { name: "lifeline-release", namespace: scope.namespace },
      data: { release: "v1.2.0", "record.json": record },
    });
  });

  test("leaves in the state, under its own type, what the next run reads", async () => {
    const kept: pulumi.Output<string>[] = [];
    const graph = await declare(() => {
      kept.push(new ReleaseRecord("it", { scope, release: "v1.2.0", record }).record);
    });
    const [text] = await Promise.all(kept.map(valueOf));
    const type = graph.resources.find(({ name, custom }) => name === "it" && !custom)?.type ?? "";
    expect(stateFrom([{ type, outputs: { record: text } }])?.record).toEqual(JSON.parse(record));
  });
});

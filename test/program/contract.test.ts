import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";

import type { GraphView } from "../../rehearsal/graph-view.ts";
import { repository } from "../../rehearsal/paths.ts";
import { all, at } from "../support/declare.ts";
import { programOf } from "../support/program.ts";

interface Container {
  readonly name: string;
  readonly env: { readonly name: string; readonly value: string }[];
}

const contract = readFileSync(join(repository, "docs/contract.md"), "utf8");

const { config } = parse(readFileSync(join(repository, "releases/v1.0.0.yaml"), "utf8")) as {
  config: Record<string, Record<string, string>>;
};
/** Variables that the release sets itself. */
const ofRelease = new Set(Object.values(config).flatMap((it) => Object.keys(it)));

/** Containers that run images of the product's own team. */
const theirs = ["backend", "frontend", "migrate"];

describe("docs/contract.md", () => {
  let graph: GraphView;
  let containers: Container[];
  beforeAll(async () => {
    graph = await programOf("production");
    containers = [...all(graph, "Deployment"), ...all(graph, "Job")]
      .flatMap(({ inputs }) => at(inputs, "spec", "template", "spec", "containers") as Container[])
      .filter(({ name }) => theirs.includes(name));
  }, 30_000);

  test.each(theirs)("names every variable that the platform gives to %s", (name) => {
    const given = containers.filter((it) => it.name === name).flatMap(({ env }) => env);
    expect(given.length).toBeGreaterThan(0);
    const unnamed = given.filter(
      (it) => !contract.includes(`\`${it.name}\``) && !ofRelease.has(it.name),
    );
    expect(unnamed.map((it) => it.name)).toEqual([]);
  });

  test("names every port, path and file", () => {
    const text = JSON.stringify(containers);
    const paths = [...text.matchAll(/"path":"([^"]+)"/g)].map(([, path]) => path ?? "");
    const files = containers.flatMap(({ env }) =>
      env.map(({ value }) => value).filter((value) => value.startsWith("/")),
    );
    const ports = [...text.matchAll(/"containerPort":(\d+)/g)].map(([, port]) => port ?? "");
    const named = new Set([...paths, ...files, ...ports]);
    expect(named.size).toBeGreaterThanOrEqual(8);
    expect([...named].filter((it) => !contract.includes(it))).toEqual([]);
  });
});

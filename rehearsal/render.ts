import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { stringify } from "yaml";

import lifeline from "../index.ts";
import type { DeclaredResource } from "./graph.ts";
import { declaredGraph } from "./graph.ts";
import { GraphView, isKubernetesObject, isProvider } from "./graph-view.ts";
import { exitCode, Problem } from "./problem.ts";
import { readStackFile } from "./stack-file.ts";

/** A file of a rendering, by its path below the folder. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Writes everything that a stack declares, for reviewers and scanners: a folder per region with every Kubernetes object as
 * YAML, and every other resource as JSON with its type, inputs and options. Secrets are "[secret]".
 * @throws Problem when there is no such stack, or the folder is not empty
 */
export async function render(stack: string, folder: string): Promise<void> {
  const target = resolve(folder);
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new Problem(
      `${target} is not empty: old files would look like part of the stack. Fix: name a new or empty folder.`,
      exitCode.usage,
    );
  }
  const files = await renderedFiles(stack);
  for (const { path, text } of files) {
    const file = join(target, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  console.log(`Rendered the stack ${stack} to ${target}:`);
  for (const [name, count] of counted(files))
    console.log(`  ${name.padEnd(12)} ${String(count)} files`);
}

/** The files of a stack, without writing them. @throws Problem when there is no such stack */
export async function renderedFiles(stack: string): Promise<RenderedFile[]> {
  const graph = new GraphView(
    await declaredGraph(() => lifeline(), { stack, ...readStackFile(stack) }),
  );
  return graph.resources
    .filter((resource) => resource.custom && !isProvider(resource))
    .map((resource) =>
      isKubernetesObject(resource) ? objectFile(graph, resource) : resourceFile(graph, resource),
    );
}

function objectFile(graph: GraphView, resource: DeclaredResource): RenderedFile {
  const { apiVersion, kind, metadata, ...rest } = resource.inputs as unknown as KubernetesObject;
  return {
    path: join(regionOf(graph, resource), `${kind.toLowerCase()}-${metadata.name}.yaml`),
    text: stringify({ apiVersion, kind, metadata, ...rest }, { lineWidth: 0 }),
  };
}

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

function resourceFile(graph: GraphView, resource: DeclaredResource): RenderedFile {
  const { type, name, inputs } = resource;
  const folder = type.startsWith("aws:") ? "aws" : "other";
  const kind = (type.split(":").at(-1) ?? type).toLowerCase();
  const content = { type, name, inputs, options: graph.optionsOf(resource) };
  return {
    path: join(folder, `${kind}-${name}.json`),
    text: `${JSON.stringify(content, null, 2)}\n`,
  };
}

/** Regional components are named after their AWS region. */
function regionOf(graph: GraphView, resource: DeclaredResource): string {
  const provider = graph.providerOf(resource);
  const region = /^[a-z]+-[a-z]+-\d/.exec(provider?.name ?? "")?.[0];
  if (region === undefined) throw new Error(`${resource.name} has no provider of a region`);
  return region;
}

function counted(files: readonly RenderedFile[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

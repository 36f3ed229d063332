import type { DeclaredAlias, DeclaredResource } from "../../rehearsal/graph.ts";
import { isStack, type GraphView } from "../../rehearsal/graph-view.ts";

/** Where the engine keeps a resource: the types of its ancestors and its own, and its name. Two of the same are one. */
export function placeOf(graph: GraphView, resource: DeclaredResource): string {
  return `${chainOf(graph, resource)}::${resource.name}`;
}

/** Every place at which the engine would take a resource of the state for this one: its own first. */
export function placesOf(graph: GraphView, resource: DeclaredResource): string[] {
  const chains = chainsAbove(graph, resource);
  const own = chains.map((chain) => place(chain, resource.type, resource.name));
  const former = resource.options.aliases.flatMap((alias) => aliasPlaces(resource, alias, chains));
  return [...new Set([...own, ...former])];
}

function aliasPlaces(
  { type, name }: DeclaredResource,
  alias: DeclaredAlias,
  chains: readonly string[],
): string[] {
  if (alias.urn !== undefined) return [placeOfUrn(alias.urn)];
  const above = alias.parent === undefined ? chains : [chainOfUrn(alias.parent)];
  return above.map((chain) => place(chain, alias.type ?? type, alias.name ?? name));
}

/** Types of all ancestors; of each ancestor with an alias, also what they were then. */
function chainsAbove(graph: GraphView, resource: DeclaredResource): string[] {
  const parent = graph.parentOf(resource);
  if (parent === undefined || isStack(parent)) return [""];
  return [...new Set(placesOf(graph, parent).map((it) => it.split("::")[0] ?? ""))];
}

function chainOf(graph: GraphView, resource: DeclaredResource): string {
  const parent = graph.parentOf(resource);
  if (parent === undefined || isStack(parent)) return resource.type;
  return `${chainOf(graph, parent)}$${resource.type}`;
}

const place = (chain: string, type: string, name: string): string =>
  `${chain === "" ? type : `${chain}$${type}`}::${name}`;

function placeOfUrn(urn: string): string {
  const [, , chain = "", name = ""] = urn.replace("urn:pulumi:", "").split("::");
  return `${withoutStack(chain)}::${name}`;
}

function chainOfUrn(urn: string): string {
  return urn === "" ? "" : (placeOfUrn(urn).split("::")[0] ?? "");
}

const withoutStack = (chain: string): string => chain.replace(/^pulumi:pulumi:Stack\$?/, "");

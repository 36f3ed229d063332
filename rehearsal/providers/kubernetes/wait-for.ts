import { isList, isMap, textOf, type PropertyValue } from "../properties.ts";
import type { KubernetesObject } from "./object.ts";
import type { Verdict } from "./readiness.ts";
import { parsePath, type Path } from "./wait-for-path.ts";

interface Expectation {
  readonly text: string;
  readonly holds: (live: KubernetesObject) => boolean;
}

/**
 * The annotation `pulumi.com/waitFor`: `condition=Type[=Status]`, `jsonpath={.a.b}[=value]`, or a
 * JSON array of these, all of which must hold.
 */
export function waitForVerdict(live: KubernetesObject, annotation: string): Verdict {
  const unmet = parseWaitFor(annotation).filter(({ holds }) => !holds(live));
  if (unmet.length === 0) return { state: "ready" };
  const why = unmet.map(({ text }) => text).join(" and ");
  return { state: "waiting", why: `waiting for ${why}${describeConditions(live)}` };
}

/** @throws when the annotation cannot be understood: then nothing could ever be waited for. */
export function parseWaitFor(annotation: string): Expectation[] {
  const parsed: unknown = annotation.startsWith("[") ? JSON.parse(annotation) : [annotation];
  if (!Array.isArray(parsed)) throw refusal(annotation);
  return parsed.map((text) => parseExpectation(String(text)));
}

function parseExpectation(text: string): Expectation {
  const condition = /^condition=([^=]+)(?:=(.+))?$/.exec(text);
  if (condition !== null) {
    const [, type = "", status = "True"] = condition;
    return { text, holds: (live) => hasCondition(live, type, status) };
  }
  const jsonpath = /^jsonpath=\{ *\$?(\.[^{}]+?) *\}(?:=([^=]+))?$/.exec(text);
  const [, written = "", wanted] = jsonpath ?? [];
  const path = jsonpath === null ? undefined : parsePath(written);
  if (path === undefined) throw refusal(text);
  return { text, holds: (live) => selects(path, live, wanted) };
}

/** As the official provider: of several values the first counts. */
function selects(path: Path, live: KubernetesObject, wanted: string | undefined): boolean {
  const [value] = path(live);
  if (value === undefined) return false;
  if (wanted === undefined) return true;
  return typeof value === "string" ? value === wanted : JSON.stringify(value) === wanted;
}

function hasCondition(live: KubernetesObject, type: string, status: string): boolean {
  const condition = conditionsOf(live).find((one) => one["type"] === type);
  const observed = condition?.["observedGeneration"] ?? live.status?.["observedGeneration"];
  // A condition about an older spec says nothing about this one.
  const isStale = typeof observed === "number" && observed < (live.metadata.generation ?? 0);
  return condition?.["status"] === status && !isStale;
}

function describeConditions(live: KubernetesObject): string {
  const texts = conditionsOf(live).flatMap(({ type, status, message }) =>
    typeof message === "string" && message !== ""
      ? [`${textOf(type)}=${textOf(status)}: ${message}`]
      : [],
  );
  return texts.length === 0 ? "" : ` (${texts.join("; ")})`;
}

function conditionsOf({ status }: KubernetesObject) {
  const conditions: PropertyValue = status?.["conditions"];
  return isList(conditions) ? conditions.filter(isMap) : [];
}

function refusal(text: string): Error {
  return new Error(
    `pulumi.com/waitFor must be "condition=Type", "jsonpath={.path}=value" or a JSON array of these, got "${text}"`,
  );
}

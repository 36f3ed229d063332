import pb from "@pulumi/pulumi/proto/provider_pb.js";
import { formatPath, type Plan } from "./difference.ts";
import { encode, type PropertyMap } from "./properties.ts";
import type { Checked, Subject } from "./stand-in.ts";

/** Who a request is about; older engines give only the URN. */
export function subject(request: {
  getUrn(): string;
  getType(): string;
  getName(): string;
}): Subject {
  const urn = request.getUrn();
  const [, , qualifiedType = "", name = ""] = urn.split("::");
  return {
    urn,
    type: request.getType() || (qualifiedType.split("$").at(-1) ?? ""),
    name: request.getName() || name,
  };
}

/** The wire has no undefined: an empty map stands for "none". */
export function optional(map: PropertyMap): PropertyMap | undefined {
  return Object.keys(map).length === 0 ? undefined : map;
}

export function secondsOrDefault(seconds: number): number | undefined {
  return seconds > 0 ? seconds : undefined;
}

export function checkResponse({ inputs, failures = [] }: Checked): pb.CheckResponse {
  return new pb.CheckResponse()
    .setInputs(encode(inputs))
    .setFailuresList(
      failures.map(({ property, reason }) =>
        new pb.CheckFailure().setProperty(property).setReason(reason),
      ),
    );
}

export function diffResponse(plan: Plan): pb.DiffResponse {
  const { DiffChanges } = pb.DiffResponse;
  const { Kind } = pb.PropertyDiff;
  const { differences, replaces = [], deleteBeforeReplace = false } = plan;
  const response = new pb.DiffResponse()
    .setChanges(differences.length === 0 ? DiffChanges.DIFF_NONE : DiffChanges.DIFF_SOME)
    .setDiffsList([...new Set(differences.map(({ path }) => String(path[0])))])
    .setReplacesList(replaces.map(({ path }) => formatPath(path)))
    .setDeletebeforereplace(deleteBeforeReplace)
    .setHasdetaileddiff(true);
  for (const difference of differences) {
    const kinds = {
      add: [Kind.ADD, Kind.ADD_REPLACE],
      delete: [Kind.DELETE, Kind.DELETE_REPLACE],
      update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
    } as const;
    const kind = kinds[difference.kind][replaces.includes(difference) ? 1 : 0];
    const detail = new pb.PropertyDiff().setKind(kind).setInputdiff(true);
    response.getDetaileddiffMap().set(formatPath(difference.path), detail);
  }
  return response;
}

import type { V1ContainerStatus, V1Pod } from "@kubernetes/client-node";

/** Why a pod does not run; undefined when it does. */
export function podTrouble({ status }: V1Pod): string | undefined {
  const unscheduled = status?.conditions?.find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  if (unscheduled !== undefined) return `${unscheduled.reason}: ${unscheduled.message}`;
  for (const container of containersOf(status)) {
    const trouble = containerTrouble(container);
    if (trouble !== undefined) return trouble;
  }
  if (status?.phase === "Failed") return status.message ?? status.reason ?? "failed";
  if (status?.phase === "Succeeded") return undefined;
  const unready = (status?.containerStatuses ?? []).find((one) => !one.ready && one.state?.running);
  return unready === undefined ? undefined : `${unready.name} runs but is not ready`;
}

/** The container whose last lines say most about why the pod does not run. */
export function troubledContainer({ status }: V1Pod): string | undefined {
  const containers = containersOf(status).filter(({ state }) => !endedWell(state?.terminated));
  const crashed = containers.find((one) => containerTrouble(one) !== undefined);
  return (crashed ?? containers.find(({ ready }) => !ready))?.name;
}

function containersOf(status: V1Pod["status"]): V1ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

const endedWell = (terminated: { exitCode: number } | undefined): boolean =>
  terminated?.exitCode === 0;

function containerTrouble({ name, state, lastState }: V1ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  const ended = terminated ?? lastState?.terminated;
  const exit = ended?.exitCode ? ` (exit code ${ended.exitCode}, ${ended.reason})` : "";
  if (
    waiting !== undefined &&
    !/^(ContainerCreating|PodInitializing)$/.test(waiting.reason ?? "")
  ) {
    return `${name}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ""}${exit}`;
  }
  return terminated?.exitCode ? `${name}: ${terminated.reason}${exit}` : undefined;
}

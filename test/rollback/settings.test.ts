import { settingsBack, settingsToKeep } from "../../rollback/settings.ts";

const before = {
  product: "acme",
  gateway: { className: "traefik", podLabels: { "app.kubernetes.io/name": "traefik" } },
  backend: { minReplicas: 3, resources: { limits: { cpu: "1" } } },
  regions: [{ name: "north" }, { name: "west" }],
  postgres: { generations: [{ storage: "1Gi" }] },
};

const back = (now: object, was: object = before) =>
  settingsBack(was as typeof before, now as typeof before, "local");

test("says nothing where nothing was changed, nor about release, change, kubeconfig and the data's generations", () => {
  const restored = { ...before.postgres, generations: [{ storage: "1Gi" }, { storage: "2Gi" }] };
  const now = { ...before, release: "v2", change: {}, kubeconfig: "/tmp/k", postgres: restored };
  expect(back(now)).toEqual([]);
  expect(settingsToKeep(now)).toEqual({ ...before, postgres: restored });
});

test("never moves the write role back: the region that it left may be lost", () => {
  const was = { ...before, activeRegion: "north" };
  const moved = {
    ...was,
    activeRegion: "west",
    postgres: { ...before.postgres, promoteAlone: true },
  };
  expect(back(moved, was)).toEqual([]);
});

test("brings each value back by its path, quoted as a shell needs it", () => {
  const now = {
    ...before,
    gateway: { className: "nobody", podLabels: { "app.kubernetes.io/name": "x y" } },
    backend: { minReplicas: 1, resources: { limits: { cpu: "2" } } },
  };
  expect(back(now)).toEqual([
    "pulumi config set --path lifeline:gateway.className traefik --stack local",
    `pulumi config set --path 'lifeline:gateway.podLabels["app.kubernetes.io/name"]' traefik --stack local`,
    "pulumi config set --path lifeline:backend.minReplicas 3 --stack local",
    "pulumi config set --path lifeline:backend.resources.limits.cpu --type string 1 --stack local",
  ]);
  expect(back(before, now)[1]).toBe(
    `pulumi config set --path 'lifeline:gateway.podLabels["app.kubernetes.io/name"]' 'x y' --stack local`,
  );
});

test("removes what was added, from the end of a list, and sets what was removed", () => {
  const regions = [...before.regions, { name: "a" }, { name: "b" }];
  const { gateway, ...without } = before;
  expect(back({ ...without, regions, extra: true })).toEqual([
    ...back({ ...without }, { gateway }).filter((it) => it.includes(" set ")),
    "pulumi config rm --path 'lifeline:regions[3]' --stack local",
    "pulumi config rm --path 'lifeline:regions[2]' --stack local",
    "pulumi config rm --path lifeline:extra --stack local",
  ]);
});

test("a whole section that was removed is set value by value", () => {
  expect(back({}, { gateway: before.gateway })).toEqual([
    "pulumi config set --path lifeline:gateway.className traefik --stack local",
    `pulumi config set --path 'lifeline:gateway.podLabels["app.kubernetes.io/name"]' traefik --stack local`,
  ]);
});

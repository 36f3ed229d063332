import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import type { Release } from "../../../config/release.ts";
import { jwtSecret } from "../../../components/lib/secret-files.ts";
import { engineFolder } from "../../../rehearsal/paths.ts";
import type { Ground } from "../../../rehearsal/ground.ts";
import type { TwoDatabases } from "./two-databases.ts";

/** The release that all the bad ones come after; it runs on the schema that some of them leave behind. */
export const good = "v1.0.1";

/** A release that cannot work, and what somebody has to be told about it. */
export interface Broken {
  readonly name: string;
  readonly version: string;
  /** What is different from the good release. */
  readonly release?: (images: Record<string, string>) => object;
  /** What is wrong in the stack file that comes with it. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What somebody else does before it, and undoes afterwards. */
  readonly before?: string;
  readonly after?: string;
  /** What somebody else does while it comes out. */
  readonly meanwhile?: (databases: TwoDatabases, signal: AbortSignal) => Promise<void>;
  /** The message has each of these. */
  readonly says: readonly RegExp[];
  /** Whether the release before goes on serving all the time. */
  readonly serves: boolean;
  /** Its log, with a secret in it, is kept before it is taken back, and the way back is reviewed. */
  readonly isReviewed?: true;
  /** How often its way back is killed before it is let through. @default 1 */
  readonly kills?: number;
}

const nobody = { "app.kubernetes.io/name": "nobody" };
const secretVersion = "9";

/** With the sample application's later migrations, 002 and 003. */
const migrating = (images: Record<string, string>) => ({
  images: { ...images, migrations: images["migrations-v1.3.0"] },
  schema: { min: 1, max: 3, target: 3 },
});

export const broken: readonly Broken[] = [
  {
    name: "broken image",
    version: "v1.0.2",
    release: ({ backend = "", ...images }) => ({
      images: { ...images, backend: backend.replace(/[0-9a-f]{64}$/, "1".repeat(64)) },
    }),
    says: [
      /eu-\w+-1-backend \(Deployment gravl-local\/backend\)/,
      /(ImagePullBackOff|ErrImagePull): .*@sha256:1111/,
    ],
    serves: true,
  },
  {
    name: "crash loop",
    version: "v1.0.3",
    // Node reads the file as a program, and quotes it when it cannot: a log with a secret in it.
    release: () => ({
      config: {
        backend: { NODE_OPTIONS: "--require=/etc/secrets/app/JWT_SECRET" },
        frontend: { TITLE: "Gravl" },
      },
    }),
    says: [
      /-backend \(Deployment/,
      /CrashLoopBackOff|exit code 1/,
      /last lines of backend:/,
      /\[secret\]/,
    ],
    serves: true,
    isReviewed: true,
  },
  {
    name: "missing secret",
    version: "v1.0.4",
    release: () => ({ secrets: { app: secretVersion } }),
    meanwhile: loseSecret,
    says: [
      /-backend \(Deployment/,
      new RegExp(`secret "${jwtSecret(secretVersion).secret}" not found`),
    ],
    serves: true,
  },
  {
    name: "migration fails before its change",
    version: "v1.0.5",
    release: () => ({ schema: { min: 1, max: 2, target: 2 } }),
    says: [/eu-north-1-migration \(Job/, /SCHEMA_TARGET is 2, but the last file is number 1/],
    serves: true,
  },
  {
    name: "migration fails during its change",
    version: "v1.0.6",
    release: migrating,
    before: "ALTER TABLE notes ADD COLUMN pinned boolean",
    after: "ALTER TABLE notes DROP COLUMN pinned",
    says: [
      /-migration \(Job/,
      /002-add-pinned\.sql failed and was rolled back: column \\"pinned\\"/,
    ],
    serves: true,
  },
  {
    name: "broken gateway",
    version: "v1.0.7",
    settings: { "gateway.className": "nobody" },
    says: [
      /-gateway \(Gateway gravl-local\/gravl\)/,
      /not Programmed: |no controller has looked at it/,
    ],
    serves: false,
    kills: 2,
  },
  {
    name: "wrong network policy",
    version: "v1.0.9",
    settings: { "gateway.podLabels": nobody },
    says: [/-smoke-outside/, /(answered 50[234]|no answer within).*lifeline:gateway/],
    serves: false,
  },
  {
    name: "migration fails after its change",
    version: "v1.0.10",
    release: migrating,
    // 002 is done when 003 finds the index.
    before: "CREATE INDEX notes_pinned ON notes (id)",
    after:
      "DROP INDEX notes_pinned; ALTER TABLE notes DROP COLUMN pinned; DELETE FROM schema_migrations WHERE version > 1",
    says: [/-migration \(Job/, /003-index-pinned\.sql failed and was rolled back/],
    serves: true,
    kills: 2,
  },
];

/** All that the run needs to know: the good release and the bad ones, made from the one that is live. */
export function releaseFilesOf({ images }: Ground): Record<string, string> {
  const live = parse(
    readFileSync(join(engineFolder, "releases", "v1.0.0.yaml"), "utf8"),
  ) as Release;
  const later = images.find(({ name }) => name === "migrations-v1.3.0")?.reference ?? "";
  const known = { ...live.images, "migrations-v1.3.0": later };
  const file = (version: string, different: object = {}) => {
    const content = { ...live, schema: { min: 1, max: 3, target: 1 }, ...different, version };
    const { backend, frontend, migrations } = content.images;
    return [version, stringify({ ...content, images: { backend, frontend, migrations } })] as const;
  };
  return Object.fromEntries([
    file(good),
    ...broken.map(({ version, release }) => file(version, release?.(known))),
  ]);
}

/** A reason that was never given before: what was taken back in an earlier run of the tests may come out again. */
export function changeTo(release: string): Record<string, unknown> {
  const turn = createHash("sha256").update(String(Date.now())).digest("hex").slice(0, 8);
  return { release, "change.release": release, "change.allowRetry": `rehearsed again, ${turn}` };
}

/** Deletes a Secret in both regions as soon as it is there. */
async function loseSecret(databases: TwoDatabases, signal: AbortSignal): Promise<void> {
  const name = jwtSecret(secretVersion).secret;
  const lost = new Set<string>();
  while (lost.size < 2 && !signal.aborted) {
    for (const key of ["a", "b"] as const) {
      if (lost.has(key)) continue;
      await databases.kubectl(key, ["delete", "secret", name]).then(
        () => lost.add(key),
        () => undefined,
      );
    }
    await sleep(200);
  }
}

#!/usr/bin/env node
// The door of every npm script. Plain JavaScript for Node 20 and newer, without dependencies: it installs the project's
// packages where they are missing or changed, then hands over to rehearsal/cli.ts on the project's own Node 24.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(repository, "node_modules");
const stamp = join(modules, ".lifeline-installed");
const lock = join(repository, ".lifeline-install");

/** What `node_modules` was installed from. */
function wanted() {
  const hash = createHash("sha256");
  for (const file of ["package.json", "package-lock.json"])
    hash.update(readFileSync(join(repository, file)));
  return hash.digest("hex");
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(3);
}

const isInstalled = (hash) => existsSync(stamp) && readFileSync(stamp, "utf8") === hash;

/** Takes the install lock, or waits for its holder; a lock older than 15 minutes belongs to a killed run. */
async function locked(work) {
  for (let announced = false; ; announced = true) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if (age > 15 * 60_000) rmSync(lock, { recursive: true, force: true });
      else if (!announced)
        process.stderr.write("Waiting for another npm install of this clone …\n");
      await new Promise((done) => setTimeout(done, 500));
    }
  }
  const release = () => rmSync(lock, { recursive: true, force: true });
  const interrupted = () => {
    release();
    process.exit(130);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    work();
  } finally {
    release();
    process.removeListener("SIGINT", interrupted).removeListener("SIGTERM", interrupted);
  }
}

function install(hash) {
  if (isInstalled(hash)) return;
  process.stderr.write("Installing the project's npm packages (about a minute, once) …\n");
  const started = Date.now();
  // Not `npm ci`: it refuses a good lock file behind a mirror that lacks other platforms' packages.
  const result = spawnSync(
    "npm",
    ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
    {
      cwd: repository,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  if (result.status !== 0)
    fail(
      "npm install failed (see above). Fix: check that the npm registry is reachable, then run the command again.",
    );
  writeFileSync(stamp, hash);
  process.stderr.write(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.\n`);
}

if (process.platform !== "linux")
  fail(`Lifeline's rehearsal needs Linux, this is ${process.platform}. Fix: run it in a Linux VM.`);
const [major] = process.versions.node.split(".").map(Number);
if (major < 20)
  fail(`Node ${process.versions.node} is too old, 20 or newer is needed. Fix: install Node 20+.`);

const hash = wanted();
if (!isInstalled(hash)) await locked(() => install(hash));

const bundled = join(modules, `node-linux-${process.arch}`, "bin", "node");
const node = existsSync(bundled) ? bundled : process.execPath;
if (node === process.execPath && major < 24) {
  fail(
    `No Node 24 for ${process.arch} came with npm install and this is Node ${process.versions.node}. Fix: run with Node 24 or newer.`,
  );
}
const child = spawn(
  node,
  [
    "--disable-warning=ExperimentalWarning",
    join(repository, "rehearsal", "cli.ts"),
    ...process.argv.slice(2),
  ],
  {
    stdio: "inherit",
    // First on PATH, so that what the program starts (gates, policy pack) runs on the same Node.
    env: { ...process.env, NODE_USE_ENV_PROXY: "1", PATH: `${dirname(node)}:${process.env.PATH}` },
  },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));

#!/usr/bin/env node
// The door of every npm script. Plain JavaScript for Node 20 and newer, without dependencies: it installs the project's
// packages where they are missing or changed, then hands over to rehearsal/cli.ts on the project's own Node 24.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "./lock.mjs";

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

async function install(hash, signal) {
  if (isInstalled(hash)) return;
  process.stderr.write("Installing the project's npm packages (about a minute, once) …\n");
  const started = Date.now();
  const code = await npmInstall(signal);
  if (signal.aborted) return;
  if (code !== 0)
    throw new Error(
      "npm install failed (see above). Fix: check that the npm registry is reachable, then run the command again.",
    );
  writeFileSync(stamp, hash);
  process.stderr.write(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.\n`);
}

/** Runs until npm has ended, also when `signal` tells it to. */
function npmInstall(signal) {
  // Not `npm ci`: it refuses a good lock file behind a mirror that lacks other platforms' packages.
  const npm = spawn(
    "npm",
    ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
    { cwd: repository, stdio: ["ignore", "ignore", "inherit"] },
  );
  signal.addEventListener("abort", () => npm.kill());
  return new Promise((done, refused) => {
    npm.on("exit", done);
    npm.on("error", ({ message }) => {
      refused(
        new Error(
          `npm cannot be started: ${message}. Fix: put npm, which comes with Node, on PATH.`,
        ),
      );
    });
  });
}

if (process.platform !== "linux")
  fail(`Lifeline's rehearsal needs Linux, this is ${process.platform}. Fix: run it in a Linux VM.`);
const [major] = process.versions.node.split(".").map(Number);
if (major < 20)
  fail(`Node ${process.versions.node} is too old, 20 or newer is needed. Fix: install Node 20+.`);

const hash = wanted();
if (!isInstalled(hash)) {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    await withLock(lock, "npm install of this clone", interruption.signal, () =>
      install(hash, interruption.signal),
    );
  } catch (error) {
    if (!interruption.signal.aborted) fail(error.message);
  }
  if (interruption.signal.aborted) process.exit(130);
  process.removeListener("SIGINT", interrupt).removeListener("SIGTERM", interrupt);
}

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

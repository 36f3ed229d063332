import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Problem } from "../problem.ts";
import { foldersOf, s3AuthorityFile } from "../regions/folders.ts";
import { regionInit } from "../regions/inside.ts";
import { s3UsersFile } from "../regions/region.ts";
import { type S3AccountName, s3Credentials, serverOf, writeWhole } from "../regions/s3-access.ts";
import { usersFile } from "../regions/s3-grants.ts";
import { type Topology, ports, topology } from "../regions/topology.ts";
import { type Chain, type Fault, packetRules } from "./fault.ts";

/** Where the server that stands in a fault listens, inside the region. */
const faultPort = 7444;

/** What the region's network policies know such connections by; the same in tools/region-agent/internal/netpol/rules.go. */
const ledElsewhere = "0x6c66";

const atS3 = `tcp dport ${String(ports.s3)}`;

/** From other hosts and from pods; the node itself goes on. */
const arriving = (rule: string): Chain => ({
  hook: "input",
  type: "filter",
  priority: -10,
  rules: [`iifname != "lo" ${atS3} ${rule}`],
});

/** The region's S3 server as if its host were gone: no packet is answered. */
export const silenceS3 = (region: Topology): Promise<Fault> =>
  packetRules(region, [arriving("drop")]);

/** The region's S3 server as if it did not run: connections are refused, open ones end. */
export const refuseS3 = (region: Topology): Promise<Fault> =>
  packetRules(region, [arriving("reject with tcp reset")]);

/** The region's S3 server answers every request with 503, as AWS does when it is asked too much. */
export const overloadS3 = (region: Topology): Promise<Fault> => standInFront(region, "overloaded");

/** The region's S3 server resets each connection in the middle of what it is sent. */
export const resetS3 = (region: Topology): Promise<Fault> => standInFront(region, "reset");

/** The region's S3 server stores what it is sent and never says so. */
export const leaveS3Unanswered = (region: Topology): Promise<Fault> =>
  standInFront(region, "unanswered");

/** Leads new connections to a server that misbehaves; open ones to the real server end. */
async function standInFront(
  region: Topology,
  behaviour: "overloaded" | "reset" | "unanswered",
): Promise<Fault> {
  const init = regionInit(region);
  if (init === undefined) throw new Problem(`region ${region.awsRegion} does not run`);
  const { pki } = foldersOf(region);
  const program = join(import.meta.dirname, "s3-fault-server.ts");
  // In the region's network only: it is this machine's program.
  const network = ["nsenter", "-t", String(init), "--net", "--"];
  const server = spawn(
    network[0]!,
    [...network.slice(1), process.execPath, program, region.ip, String(faultPort), behaviour],
    {
      // Its input ends with this process, and it with its input.
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        ...process.env,
        NODE_OPTIONS: "",
        S3_CERTIFICATE: join(pki, "s3.crt"),
        S3_KEY: join(pki, "s3.key"),
        S3_PORT: String(ports.s3),
        NODE_EXTRA_CA_CERTS: s3AuthorityFile,
      },
    },
  );
  const end = async () => {
    const ended = once(server, "close");
    if (server.exitCode === null && server.kill("SIGKILL")) await ended;
  };
  try {
    await Promise.race([once(server.stdout, "data"), once(server, "close")]);
    if (server.exitCode !== null) throw new Problem("the S3 fault server did not start");
    const instead = `ip daddr ${region.ip} ${atS3} ct mark set ${ledElsewhere} dnat to ${region.ip}:${String(faultPort)}`;
    const { heal } = await packetRules(region, [
      { hook: "prerouting", type: "nat", priority: -110, rules: [instead] },
      arriving("reject with tcp reset"),
    ]);
    return {
      heal: async () => {
        await heal();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Takes accounts of a region away: their keys are refused from now on. */
export function revokeAccounts(
  region: Topology,
  accounts: readonly S3AccountName[],
): Promise<Fault> {
  const servers = new Map<Topology, S3AccountName[]>();
  for (const account of accounts) {
    const server = topology[serverOf(region.key, account)];
    servers.set(server, [...(servers.get(server) ?? []), account]);
  }
  const write = (revoking: boolean) => {
    for (const [server, names] of servers) {
      const file = join(foldersOf(server).etc, s3UsersFile);
      const revoked = revoking ? names : [];
      writeWhole(file, usersFile(server.key, s3Credentials(), revoked), 0o600);
    }
    return Promise.resolve();
  };
  return write(true).then(() => ({ heal: () => write(false) }));
}

import type { RequestListener } from "node:http";
import { afterEach, beforeAll } from "@jest/globals";
import type { RegionUnderTest, Subject } from "../../../rehearsal/checks/subject.ts";
import { createAuthority, issue } from "../../../rehearsal/regions/pki.ts";
import type { KeyPair } from "../../../rehearsal/regions/pki.ts";
import { regionWith, subject as plainSubject } from "./fake-cluster.ts";
import type { FakeContents } from "./fake-cluster.ts";
import { serveHttp, serveHttps } from "./servers.ts";
import type { LocalServer } from "./servers.ts";

export const { host } = plainSubject;

/** What a release's page may look like. */
export const page: RequestListener = (_, response) => response.end("<p>v1.0.0</p>");

/** The authority that `subject` trusts; made once per test file. */
export let authority: KeyPair;
export let subject: Subject;
/** A good certificate for the host. */
export let leaf: KeyPair;

const servers: LocalServer[] = [];

beforeAll(async () => {
  authority = await createAuthority("Test authority");
  leaf = await certificateFor(host, 90);
  subject = { ...plainSubject, authority: authority.certificate };
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

export function certificateFor(name: string, days: number, by = authority): Promise<KeyPair> {
  return issue({ authority: by, commonName: name, dnsNames: [name], usages: ["server"], days });
}

/** A region whose gateway is a local server, closed after the test. */
export async function regionServing(
  listener: RequestListener,
  {
    pair = leaf,
    oldTls = false,
    contents = {},
    role = "primary",
  }: {
    pair?: KeyPair;
    oldTls?: boolean;
    contents?: FakeContents;
    role?: RegionUnderTest["role"];
  } = {},
): Promise<RegionUnderTest> {
  const server = await serveHttps(pair, listener, oldTls ? "TLSv1" : "TLSv1.2");
  servers.push(server);
  return regionWith(contents, { httpsPort: server.port, role });
}

/** The same for its plain HTTP port. */
export async function regionServingPlain(listener: RequestListener): Promise<RegionUnderTest> {
  const server = await serveHttp(listener);
  servers.push(server);
  return regionWith({}, { httpPort: server.port });
}

import type { Method } from "../../diagnosis/api.ts";
import type { Cluster } from "../../rehearsal/checks/cluster.ts";

export const host = "gravl.lifeline.test";
export const inNamespace = "/apis/cert-manager.io/v1/namespaces/gravl-local";
export const secretPath = "/api/v1/namespaces/gravl-local/secrets/gravl-tls";
export const certificatePath = `${inNamespace}/certificates/gravl-tls/status`;
export const issuerPath = "/apis/cert-manager.io/v1/clusterissuers/gravl-local/status";
export const ownIssuerPath = `${inNamespace}/issuers/database-ca/status`;
export const authorityPath = "/api/v1/namespaces/gravl-local/secrets/database-ca";

export interface Stored {
  data?: Record<string, string>;
}

export const request = {
  secretName: "gravl-tls",
  commonName: host,
  dnsNames: [host],
  usages: ["digital signature", "server auth"],
  privateKey: { algorithm: "ECDSA", size: 256 },
  issuerRef: { kind: "ClusterIssuer", name: "gravl-local" },
};

/** A cluster with both kinds of issuer and one certificate, that keeps what is written to it. */
export function clusterWith({
  issuer = "gravl-local",
  authoritySecret = "lifeline-ca",
  spec = {},
}: { issuer?: string; authoritySecret?: string; spec?: object } = {}) {
  const secrets = new Map<string, Stored>();
  const conditions = new Map<string, unknown[]>();
  const written: { method: Method; path: string }[] = [];
  const state = { generation: 1, spec: { ...request, ...spec } as object, reachable: true };
  const cluster: Cluster = {
    context: "fake",
    exec: () => Promise.reject(new Error("no exec in this fake")),
    request(method, path, body) {
      if (!state.reachable) return Promise.reject(new Error("connect ETIMEDOUT"));
      const [plain = ""] = path.split("?");
      const answer = (content: unknown, status = 200) =>
        Promise.resolve({ status, body: JSON.stringify(content) });
      if (method === "PATCH") {
        written.push({ method, path });
        if (plain.includes("/secrets/")) secrets.set(plain, body as Stored);
        else
          conditions.set(plain, (body as { status: { conditions: unknown[] } }).status.conditions);
        return answer({});
      }
      const metadata = { namespace: "gravl-local", generation: state.generation };
      const statusOf = (of: string) => ({ status: { conditions: conditions.get(of) ?? [] } });
      const items: Record<string, object> = {
        clusterissuers: {
          metadata: { name: issuer, generation: 1 },
          spec: { ca: { secretName: authoritySecret } },
          ...statusOf(issuerPath),
        },
        issuers: {
          metadata: { ...metadata, name: "database-ca" },
          spec: { ca: { secretName: "database-ca" } },
          ...statusOf(ownIssuerPath),
        },
        certificates: {
          metadata: { ...metadata, name: "gravl-tls" },
          spec: state.spec,
          ...statusOf(certificatePath),
        },
      };
      const item = items[plain.slice(plain.lastIndexOf("/") + 1)];
      if (item !== undefined) return answer({ items: [item] });
      const secret = secrets.get(plain);
      return secret === undefined ? answer({}, 404) : answer(secret);
    },
  };
  return { cluster, secrets, conditions, written, state };
}

import { stringify } from "yaml";

import type { Database } from "../lib/database.ts";
import { selector } from "../lib/labels.ts";
import { ports } from "../lib/ports.ts";
import { leaderRole, nodeUsers, roleLabel, scopeLabel, scopeOf } from "./generation.ts";
import { places, tlsFiles } from "./places.ts";

export interface PatroniYmlArgs extends Database {
  readonly generation: number;
  /** Begins with a restore instead of an empty database cluster. */
  readonly restores: boolean;
}

const { scripts } = places;

/** patroni.yml: what is the same for every member, in both roles. The members' own names come from their environment. */
export function patroniYml(args: PatroniYmlArgs): string {
  const { generation, restores } = args;
  return stringify(
    {
      scope: scopeOf(generation),
      kubernetes: {
        use_endpoints: false,
        labels: selector("database"),
        scope_label: scopeLabel,
        role_label: roleLabel,
        leader_label_value: leaderRole,
        standby_leader_label_value: leaderRole,
        follower_label_value: "replica",
      },
      restapi: {
        listen: `0.0.0.0:${String(ports.patroni)}`,
        certfile: tlsFiles.certificate,
        keyfile: tlsFiles.key,
        cafile: tlsFiles.authority,
        // Probes come without a certificate; whatever changes something needs one.
        verify_client: "optional",
      },
      ctl: {
        certfile: tlsFiles.certificate,
        keyfile: tlsFiles.key,
        cacert: tlsFiles.authority,
      },
      bootstrap: {
        ...(restores && {
          method: "restore",
          restore: { command: `${scripts}/restore-generation.sh`, no_params: true },
        }),
        initdb: [
          "data-checksums",
          { encoding: "UTF8" },
          { locale: "C.UTF-8" },
          { "auth-local": "peer" },
          { "auth-host": "scram-sha-256" },
        ],
        post_bootstrap: `${scripts}/post-bootstrap.sh`,
      },
      postgresql: {
        // Of both families: the pod itself calls it localhost.
        listen: `*:${String(ports.postgres)}`,
        data_dir: places.data,
        bin_dir: "/usr/lib/postgresql/15/bin",
        bin_name: { pg_rewind: `${scripts}/rewind.sh` },
        pgpass: "/tmp/pgpass",
        use_unix_socket: true,
        use_unix_socket_repl: true,
        pre_promote: `${scripts}/may-promote.py`,
        create_replica_methods: ["pgbackrest", "basebackup"],
        pgbackrest: {
          command: `${scripts}/create-replica.sh`,
          keep_data: true,
          no_params: true,
          no_leader: true,
        },
        basebackup: { checkpoint: "fast" },
        authentication: {
          superuser: { username: "postgres" },
          replication: withCertificate(nodeUsers(generation).replication),
          rewind: withCertificate(nodeUsers(generation).rewind),
        },
        parameters: { unix_socket_directories: places.sockets },
        pg_hba: hostBasedAuthentication(args),
        pg_ident: identities(generation),
      },
    },
    { aliasDuplicateObjects: false, lineWidth: 0 },
  );
}

function withCertificate(username: string) {
  return {
    username,
    sslmode: "verify-full",
    sslrootcert: tlsFiles.authority,
    sslcert: tlsFiles.certificate,
    sslkey: tlsFiles.key,
    // There is none: asking first would cost a round trip.
    gssencmode: "disable",
  };
}

/** Who may sign in: nodes by certificate, the application by password and TLS, the pod's own user by the socket. */
function hostBasedAuthentication({ generation, database, user }: PatroniYmlArgs): string[] {
  const { replication, rewind } = nodeUsers(generation);
  return [
    "local all postgres peer map=pod",
    "local replication postgres peer map=pod",
    `local replication ${replication} peer map=pod`,
    "local postgres exporter peer map=pod",
    `hostssl replication ${replication} all cert map=member`,
    `hostssl postgres ${rewind} all cert map=member`,
    `hostssl ${database} ${user} all scram-sha-256`,
  ];
}

/** Whom the pod's only operating system user, and the members' certificate, may be. */
function identities(generation: number): string[] {
  const { replication, rewind } = nodeUsers(generation);
  return [
    "pod lifeline postgres",
    "pod lifeline exporter",
    `pod lifeline ${replication}`,
    `member database ${replication}`,
    `member database ${rewind}`,
  ];
}

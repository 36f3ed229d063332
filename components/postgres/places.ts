/** Paths inside the pods, which images/postgres knows too. */
export const places = {
  settings: "/etc/lifeline/postgres",
  tls: "/etc/lifeline/tls",
  scripts: "/opt/lifeline",
  sockets: "/var/run/postgresql",
  /** Shared by the containers of a pod, in memory: for as long as the pod lives and its node runs. */
  state: "/run/lifeline",
  volume: "/var/lib/postgresql/data",
  /** Below the mount point: a fresh volume may hold lost+found, and initdb wants an empty folder. */
  data: "/var/lib/postgresql/data/pgdata",
  spool: "/var/lib/postgresql/data/spool",
} as const;

/** Files of the settings' ConfigMap. */
export const settingsFiles = {
  patroni: `${places.settings}/patroni.yml`,
  ownArchive: `${places.settings}/pgbackrest.conf`,
  peerArchive: `${places.settings}/pgbackrest-peer.conf`,
  storageAuthority: `${places.settings}/storage-ca.pem`,
} as const;

/** Certificate, key and authority, as cert-manager names them. */
export const tlsFiles = {
  certificate: `${places.tls}/tls.crt`,
  key: `${places.tls}/tls.key`,
  authority: `${places.tls}/ca.crt`,
} as const;

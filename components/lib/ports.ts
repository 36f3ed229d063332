/** Ports of the pods and of their Services; Services add no mapping of their own. */
export const ports = {
  postgres: 5432,
  patroni: 8008,
  pgbackrest: 8432,
  exporter: 9187,
  agent: 9188,
  backend: 3000,
  frontend: 8080,
  metrics: 9464,
} as const;

/** Ports of the pods and of their Services; Services add no mapping of their own. */
export const ports = {
  postgres: 5432,
  exporter: 9187,
  backend: 3000,
  frontend: 8080,
  metrics: 9464,
} as const;

export interface ShellPod {
  readonly name: string;
  readonly namespace: string;
  /** Image with bash, by digest. */
  readonly image: string;
  readonly script: string;
  /** Fields of the container that differ. */
  readonly overrides?: object;
}

/** A pod that runs a script once and obeys the restricted profile. */
export function shellPod({ name, namespace, image, script, overrides = {} }: ShellPod) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10001,
        runAsGroup: 10001,
        fsGroup: 10001,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: "shell",
          image,
          imagePullPolicy: "IfNotPresent",
          command: ["bash", "-c", script],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          ...overrides,
        },
      ],
    },
  };
}

/** A script that runs until it is told to stop. */
export const forever = "trap exit TERM; while :; do sleep 0.2; done";

/** A script that says whether one TCP connection, tried once, is made within two seconds. */
export const tryOnce = (host: string, port: number): string =>
  `if timeout 2 bash -c '</dev/tcp/${host}/${String(port)}' 2>/dev/null; then echo open; else echo shut; fi`;

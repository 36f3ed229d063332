/** An object as it goes to a cluster. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Published models of the API groups that are not Kubernetes' own. */
const modelsOfGroup: Readonly<Record<string, string>> = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "external-secrets.io": "@kubernetes-models/external-secrets",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

interface Model {
  readonly prototype: { validate(this: unknown): void };
}

/**
 * What the schema of its kind finds wrong with an object: wrong types, missing and unknown fields.
 * @throws if no schema of the kind is installed.
 */
export async function schemaErrors(object: KubernetesObject): Promise<string[]> {
  const { apiVersion, kind } = object;
  const [group = ""] = apiVersion.split("/");
  const models = modelsOfGroup[group] ?? "kubernetes-models";
  const exported = (await import(`${models}/${apiVersion}/${kind}`)) as Record<string, Model>;
  const model = exported[kind];
  if (model === undefined) throw new Error(`${models} has no ${apiVersion} ${kind}`);

  const watched = watch(object, "");
  const errors: string[] = [];
  try {
    model.prototype.validate.call(watched.value);
  } catch (error) {
    errors.push((error as Error).message);
  }
  return [...errors, ...watched.ignored().map((path) => `${path} is not a field of ${kind}`)];
}

interface Watched {
  readonly value: unknown;
  /** Paths of the fields that nobody asked for, below objects of which somebody knew a field. */
  ignored(): string[];
}

/**
 * The published validators accept fields that do not exist. They are compiled from schemas,
 * though, and ask an object for each field that its schema knows: what they never ask for is
 * unknown. An object that is never asked for anything is free-form.
 */
function watch(value: unknown, path: string): Watched {
  if (typeof value !== "object" || value === null) return { value, ignored: () => [] };
  const asked = new Set<string | symbol>();
  const children = new Map(
    Object.entries(value).map(([key, item]) => [
      key,
      watch(item, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`),
    ]),
  );
  const target = Array.isArray(value) ? [] : {};
  for (const [key, child] of children) Reflect.set(target, key, child.value);
  const proxy = new Proxy(target, {
    get: (fields, key) => {
      asked.add(key);
      return Reflect.get(fields, key) as unknown;
    },
  });
  return {
    value: proxy,
    ignored: () => {
      if (asked.size === 0) return [];
      return [...children].flatMap(([key, child]) =>
        asked.has(key) ? child.ignored() : [`${path}.${key}`],
      );
    },
  };
}

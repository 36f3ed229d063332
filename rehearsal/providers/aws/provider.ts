import { differences, planReplacing, type Plan } from "../difference.ts";
import { uniqueName } from "../names.ts";
import {
  Computed,
  concealLike,
  hasComputed,
  isMap,
  reveal,
  type PropertyMap,
} from "../properties.ts";
import type {
  CheckRequest,
  Connection,
  Created,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  Found,
  Provider,
  ReadRequest,
  StandIn,
  UpdateRequest,
} from "../stand-in.ts";
import { callFunction } from "./functions.ts";
import { Store } from "./store.ts";
import { genericRule, isGlobal, ruleOf } from "./types.ts";

/** Real S3 servers behind the pretended account. */
export interface Buckets {
  /** Makes a bucket in a region; one that is there already is taken as it is. */
  make(bucket: string, region: string): Promise<void>;
  /** @throws when anything is in it */
  remove(bucket: string, region: string): Promise<void>;
}

export interface AwsOptions {
  /** Where the pretended account is kept. @default in memory, for this process only */
  readonly stateFile?: string;
  /** Regions that answer nothing at this moment. @default none */
  readonly downRegions?: () => readonly string[];
  /** Makes declared buckets really. @default they are remembered like everything else */
  readonly buckets?: Buckets;
}

const bucketType = "aws:s3/bucket:Bucket";

/** Stand-in for the `aws` plugin: remembers what was declared. It proves diffs and order, not AWS. */
export function aws({ stateFile, downRegions = () => [], buckets }: AwsOptions): StandIn {
  const account = { store: new Store(stateFile), downRegions, buckets };
  return { name: "aws", open: (connection) => new AwsProvider(connection, account) };
}

/** What all connections share. */
interface Account {
  readonly store: Store;
  readonly downRegions: () => readonly string[];
  readonly buckets: Buckets | undefined;
}

class AwsProvider implements Provider {
  readonly #connection: Connection;
  readonly #account: Account;
  #region = "";
  #defaultTags: PropertyMap = {};

  constructor(connection: Connection, account: Account) {
    this.#connection = connection;
    this.#account = account;
  }

  diffConfig(olds: PropertyMap, news: PropertyMap): Plan {
    // Resources stay where they are when a provider's region changes.
    return { differences: differences(olds, news) };
  }

  configure(config: PropertyMap): void {
    const { region, defaultTags } = reveal(config);
    this.#region = typeof region === "string" ? region : (process.env["AWS_REGION"] ?? "");
    const tags: unknown = typeof defaultTags === "string" ? JSON.parse(defaultTags) : defaultTags;
    const given = isMap(tags) ? tags["tags"] : undefined;
    this.#defaultTags = isMap(given) ? given : {};
  }

  check({ type, name, olds, news, seed, urn }: CheckRequest) {
    const { autoname } = ruleOf(type) ?? {};
    if (ruleOf(type) === undefined) {
      const message = `the aws stand-in has no rules for ${type}: any change but its name's is made in place`;
      this.#connection.log("info", message, urn, true);
    }
    if (!isGlobal(type) && this.#regionOf(news) === "") {
      const reason = "must be set on the resource, on its provider or as AWS_REGION, got nothing";
      return { inputs: news, failures: [{ property: "region", reason }] };
    }
    if (autoname === undefined || news[autoname] !== undefined) return { inputs: news };
    return { inputs: { ...news, [autoname]: olds?.[autoname] ?? uniqueName(name, seed, 7) } };
  }

  diff({ type, oldInputs, oldOutputs, news }: DiffRequest): Plan {
    const { replacing } = ruleOf(type) ?? genericRule(type);
    const found = differences(oldInputs, news);
    const tags = { ...oldOutputs, tagsAll: this.#allTags(news) };
    const retagged = hasComputed(news) ? [] : differences(oldOutputs, tags);
    const plan = planReplacing(found, replacing);
    const moved = isGlobal(type) ? undefined : this.#move(oldOutputs, news);
    return {
      differences: [...found, ...(found.length === 0 ? retagged : [])],
      replaces: [
        ...(plan.replaces ?? []),
        ...found.filter(({ path }) => moved === true && path[0] === "region"),
      ],
    };
  }

  async create({ type, name, inputs, preview }: CreateRequest): Promise<Created> {
    const rule = ruleOf(type) ?? genericRule(type);
    const region = this.#regionOf(inputs);
    const { id, outputs } = rule.make({ inputs: reveal(inputs), region, name });
    if (preview) {
      const unknown = Object.keys(outputs).map((key) => [key, Computed.value] as const);
      return { id: "", outputs: { ...Object.fromEntries(unknown), ...inputs } };
    }
    this.#answering(type, region);
    if (this.#account.store.has(type, id) && rule.unique === true) {
      throw new Error(`${type} ${id} already exists: import it or take another name`);
    }
    if (type === bucketType) await this.#account.buckets?.make(id, region);
    this.#account.store.add(type, id, region);
    return { id, outputs: { ...outputs, ...this.#echo(type, inputs, region) } };
  }

  update({ type, inputs, oldOutputs, preview }: UpdateRequest): PropertyMap {
    const region = this.#regionOf(oldOutputs);
    if (!preview) this.#answering(type, region);
    return { ...oldOutputs, ...this.#echo(type, inputs, region) };
  }

  read({ type, id, inputs, outputs }: ReadRequest): Found | undefined {
    this.#answering(type, this.#regionOf(outputs));
    return this.#account.store.has(type, id) ? { id, inputs: inputs ?? {}, outputs } : undefined;
  }

  async delete({ type, id, outputs }: DeleteRequest): Promise<void> {
    const region = this.#regionOf(outputs);
    this.#answering(type, region);
    if (type === bucketType) await this.#account.buckets?.remove(id, region);
    this.#account.store.remove(type, id);
  }

  invoke(token: string, args: PropertyMap): PropertyMap {
    const result = callFunction(token, reveal(args), this.#regionOf(args));
    if (result === undefined) throw new Error(`the aws stand-in has no function ${token}`);
    return concealLike(result, args) as PropertyMap;
  }

  #echo(type: string, inputs: PropertyMap, region: string): PropertyMap {
    const place = isGlobal(type) ? {} : { region };
    return { ...inputs, ...place, tagsAll: this.#allTags(inputs) };
  }

  #allTags(inputs: PropertyMap): PropertyMap {
    const tags = reveal(inputs["tags"]);
    return { ...this.#defaultTags, ...(isMap(tags) ? tags : {}) };
  }

  #regionOf({ region }: PropertyMap): string {
    const given = reveal(region);
    return typeof given === "string" ? given : this.#region;
  }

  /** Whether the resource would come to lie in another region. */
  #move(oldOutputs: PropertyMap, news: PropertyMap): boolean {
    return oldOutputs["region"] !== this.#regionOf(news);
  }

  #answering(type: string, region: string): void {
    if (!isGlobal(type) && this.#account.downRegions().includes(region)) {
      throw new Error(`AWS region ${region} does not answer (taken down by the rehearsal)`);
    }
  }
}

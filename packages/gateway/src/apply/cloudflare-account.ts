// A Cloudflare account, read through its API. Nothing that it answers is believed: lists that do
// not end, or say the same again and again, come to an end here, and what is no object is none.
import { isMap } from "../model/read-value.ts";
import { type ApiClient, refusalText, UnreachableError } from "./api-client.ts";

/** One object as it was answered. */
export type RawObject = Record<string, unknown>;

/** What an account has, by kind. */
export interface CloudflareAccount {
  organization: RawObject | undefined;
  identity_provider: RawObject[];
  list: RawObject[];
  group: RawObject[];
  policy: RawObject[];
  service_token: RawObject[];
  tag: RawObject[];
  application: RawObject[];
}

const pageSize = 50;
const mostPages = 1_000;
const mostObjects = 20_000;
const deepest = 64;

/** Reads an account. @param tell is told what there is and cannot be read */
export async function readCloudflare(
  client: ApiClient,
  accountId: string,
  tell: (line: string) => void,
): Promise<CloudflareAccount> {
  const reader = new AccountReader(client, `/accounts/${encodeURIComponent(accountId)}`, tell);
  const application = await reader.list("/access/apps");
  return {
    organization: await reader.one("/access/organizations"),
    identity_provider: await reader.list("/access/identity_providers"),
    list: await reader.lists(),
    group: await reader.list("/access/groups"),
    policy: await reader.listIfAny("/access/policies"),
    service_token: await reader.list("/access/service_tokens"),
    tag: await reader.listIfAny("/access/tags"),
    application: await reader.withPolicies(application),
  };
}

class AccountReader {
  readonly #client: ApiClient;
  readonly #account: string;
  readonly #tell: (line: string) => void;

  constructor(client: ApiClient, account: string, tell: (line: string) => void) {
    this.#client = client;
    this.#account = account;
    this.#tell = tell;
  }

  /** @returns undefined where there is none */
  async one(path: string): Promise<RawObject | undefined> {
    const answer = await this.#client.ask("GET", this.#account + path);
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw this.#refused(path, refusalText(answer));
    return isMap(answer.result) ? answer.result : undefined;
  }

  /** Every page of a list. @throws {Error} when it cannot be read, or has no end */
  async list(path: string): Promise<RawObject[]> {
    const found: RawObject[] = [];
    const seen = new Set<string>();
    for (let page = 1; page <= mostPages; page++) {
      const query = `?page=${page}&per_page=${pageSize}`;
      const answer = await this.#client.ask("GET", this.#account + path + query);
      if (!answer.ok) throw this.#refused(path, refusalText(answer));
      const items = Array.isArray(answer.result) ? answer.result : [];
      // Some lists are whole whatever page is asked for.
      const fresh = items.filter((item) => !seen.has(keyOf(item)));
      for (const item of fresh) {
        seen.add(keyOf(item));
        if (isMap(item) && !isTooDeep(item)) found.push(item);
        else this.#tell(`${path}: something in it is no object, and is left out`);
      }
      if (found.length > mostObjects)
        throw this.#refused(path, `it has more than ${mostObjects} objects`);
      if (fresh.length === 0) return found;
    }
    throw this.#refused(path, "its pages do not end");
  }

  /** What a plan may not have. */
  async listIfAny(path: string): Promise<RawObject[]> {
    try {
      return await this.list(path);
    } catch (error) {
      if (error instanceof UnreachableError) throw error;
      this.#tell(`${(error as Error).message}; left out`);
      return [];
    }
  }

  /** The lists that rules can name, with their items. */
  async lists(): Promise<RawObject[]> {
    const lists = await this.listIfAny("/gateway/lists");
    for (const list of lists) {
      const { id, type, items } = list;
      if (typeof id !== "string" || !["EMAIL", "IP"].includes(`${type}`) || Array.isArray(items))
        continue;
      list["items"] = await this.list(`/gateway/lists/${encodeURIComponent(id)}/items`);
    }
    return lists;
  }

  /** Applications with the policies that are not in the list of applications. */
  async withPolicies(applications: readonly RawObject[]): Promise<RawObject[]> {
    const whole: RawObject[] = [];
    for (const each of applications) {
      const { id, policies } = each;
      const isWhole = Array.isArray(policies) || typeof id !== "string";
      const path = `/access/apps/${encodeURIComponent(`${id}`)}/policies`;
      whole.push(isWhole ? each : { ...each, policies: await this.list(path) });
    }
    return whole;
  }

  #refused(path: string, why: string): Error {
    return new Error(`${this.#client.place}: ${path} cannot be read: ${why}`);
  }
}

function keyOf(item: unknown): string {
  if (isMap(item) && typeof item["id"] === "string") return item["id"];
  return JSON.stringify(isMap(item) ? (item["name"] ?? item["value"] ?? item) : item) ?? "";
}

/** Walks without recursion: what is answered may be made to be nested deeply. */
function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return true;
    level = level.flatMap((each) =>
      typeof each === "object" && each !== null ? Object.values(each) : [],
    );
  }
  return false;
}

// A gateway's objects by its admin API.

import { fieldName } from "../model/problem.ts";
import { isMap } from "../model/read-value.ts";
import type { Account, ChangeAnswer } from "./account.ts";
import type { AccountObject } from "./account-object.ts";
import { type ApiAnswer, ApiClient, refusalText, UnreachableError } from "./api-client.ts";
import type { ChangeProblem, ChangeRequest } from "./changes.ts";
import { pathOfPointer } from "./wanted.ts";

/** Objects that are asked for at once. */
const pageSize = 200;
/** Pages that are asked for in all. */
const mostPages = 5_000;

/**
 * Finds the account of a gateway.
 * @param url of the admin API: `http://127.0.0.1:8601`
 * @throws {Error} when there is no gateway, or it does not take the token
 */
export async function connectAccount(url: string, token: string): Promise<Account> {
  const client = new ApiClient(`${url.replace(/\/+$/, "")}/client/v4`, token);
  const answer = await client.ask("GET", "/accounts");
  if (!answer.ok) throw refused(client, answer);
  const [account] = Array.isArray(answer.result) ? answer.result : [];
  const id = isMap(account) ? account["id"] : undefined;
  if (typeof id !== "string" || !/^[0-9a-f]{32}$/.test(id))
    throw new UnreachableError(`${client.place} named no account; is it a gateway's admin API?`);
  return new ApiAccount(client, `/accounts/${id}/configuration`);
}

class ApiAccount implements Account {
  readonly place: string;
  readonly #client: ApiClient;
  readonly #path: string;

  constructor(client: ApiClient, path: string) {
    this.#client = client;
    this.#path = path;
    this.place = client.place;
  }

  async read(): Promise<AccountObject[]> {
    const objects: AccountObject[] = [];
    for (let page = 1; page <= mostPages; page++) {
      const query = `?page=${page}&per_page=${pageSize}`;
      const answer = await this.#client.ask("GET", this.#path + query);
      if (!answer.ok) throw refused(this.#client, answer);
      const result = answer.result as AccountObject[];
      objects.push(...result);
      if (result.length < pageSize) return objects;
    }
    throw new UnreachableError(`${this.place} has no end of objects`);
  }

  async change(request: ChangeRequest, isTrial: boolean): Promise<ChangeAnswer> {
    const body = { ...request, dry_run: isTrial };
    const answer = await this.#client.ask("PATCH", this.#path, body);
    if (answer.ok) {
      const { changes, missing } = answer.result as Extract<ChangeAnswer, { ok: true }>;
      const warnings = answer.messages.flatMap(({ message, pointer }) =>
        pointer === undefined ? [] : problemIn(message, pointer),
      );
      return { ok: true, changes, missing, warnings };
    }
    const problems = answer.errors.flatMap(({ message, pointer }) =>
      pointer === undefined ? [] : problemIn(message, pointer),
    );
    if (answer.status !== 400 || problems.length === 0) throw refused(this.#client, answer);
    return { ok: false, problems };
  }
}

/** What the API says of a field, without its name, which the line of a file has. */
function problemIn(message: string, pointer: string): ChangeProblem {
  const path = pathOfPointer(pointer);
  const subject =
    fieldName(path.slice(2)) || (/^The object "(?:[^"\\]|\\.)*"/.exec(message) ?? [""])[0];
  const what = message.startsWith(`${subject} `) ? message.slice(subject.length + 1) : message;
  return { path, what: what.replace(/\.$/, "") };
}

function refused(client: ApiClient, answer: ApiAnswer): Error {
  return new Error(`${client.place} refuses: ${refusalText(answer)}`);
}

// Asks GitHub Actions for a token of the job (its documentation, "About security hardening with
// OpenID Connect"). The address and the right to ask stand in the job's environment.
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { send } from "../net/http-client.ts";
import type { WorkloadPlace } from "./workload-settings.ts";

/**
 * A token for the audience.
 * @throws {CliError} not_signed_in | unreachable | unverified
 */
export async function requestGithubToken(
  context: Context,
  { url: address, bearer }: WorkloadPlace & { kind: "github" },
  audience: string,
): Promise<string> {
  const url = new URL(address);
  url.searchParams.set("audience", audience);
  const { status, body } = await send(context, {
    method: "GET",
    url,
    headers: { Authorization: `Bearer ${bearer}`, Accept: "application/json" },
  });
  const token = status === 200 ? parseJsonObject(body)?.["value"] : undefined;
  if (typeof token === "string") return token;
  throw new CliError(
    "not_signed_in",
    `${url.origin} gave no token for this job (status ${status}); check permissions: id-token: write`,
  );
}

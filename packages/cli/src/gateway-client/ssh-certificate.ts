// Asks for a short-lived SSH certificate (wire-protocol 10).
import { endpoints } from "@postern/protocol/endpoints";
import { printable } from "@postern/protocol/printable";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { send } from "../net/http-client.ts";
import type { StoredToken } from "../store/token-store.ts";
import { proofFields, proofRefusal } from "./proof-of-possession.ts";

export type CertificateAnswer =
  /** @property line for a `…-cert.pub`, not yet verified */
  | { kind: "certificate"; line: string }
  /** the gateway does not take the token any more */
  | { kind: "dead" };

const longestReason = 300;

/**
 * A certificate for the public key.
 * @param publicKey a line of `authorized_keys`
 * @throws {CliError} refused_by_policy | unreachable | unverified | failure
 */
export async function requestCertificate(
  context: Context,
  app: AppUrl,
  { token, team }: StoredToken,
  publicKey: string,
): Promise<CertificateAnswer> {
  const url = new URL(endpoints.certSign, team);
  const response = await send(context, {
    method: "POST",
    url,
    headers: proofFields(context, team, { method: "POST", url, token }),
    body: JSON.stringify({ public_key: publicKey, jwt: token, issuer: team }),
  });
  const unproven = proofRefusal(response, `the SSH certificate for ${app.host}`);
  if (unproven !== undefined) throw unproven;
  const { status, body } = response;
  const { certificate, message } = parseJsonObject(body) ?? {};
  if (status === 200 && typeof certificate === "string")
    return { kind: "certificate", line: certificate };
  if (status === 401) return { kind: "dead" };
  const reason = typeof message === "string" ? message.slice(0, longestReason) : "";
  const said = reason === "" ? `status ${status}` : printable(reason).replace(/\.$/, "");
  const code = status === 403 ? "refused_by_policy" : "failure";
  throw new CliError(code, `no SSH certificate for ${app.host} from ${team}: ${said}`);
}

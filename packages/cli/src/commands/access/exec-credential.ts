// What kubectl reads from a credential plugin (client.authentication.k8s.io): a token that it sends
// as `Authorization: Bearer`. Only an application with `accept_bearer` takes it there.

import { printable } from "@postern/protocol/printable";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { parseJsonObject } from "../../json-object.ts";
import type { Application } from "../../store/known-hosts.ts";
import type { StoredToken } from "../../store/token-store.ts";
import { timeOf } from "./time-of.ts";

const group = "client.authentication.k8s.io";
/** The versions whose answer has this form; the first is for a caller that asks for none. */
const versions = [`${group}/v1`, `${group}/v1beta1`] as const;

/** What kubectl wants of this call. */
export interface ExecRequest {
  /** kubectl refuses an answer in another version than the one that it asks for */
  apiVersion: string;
  /** standard input is not the plugin's: nobody is to be asked anything */
  isInteractive: boolean;
}

/**
 * Reads `KUBERNETES_EXEC_INFO`, an ExecCredential without a status.
 * @throws {CliError} usage, where it asks for what this program does not know
 */
export function readExecRequest(environment: NodeJS.ProcessEnv): ExecRequest {
  const text = environment["KUBERNETES_EXEC_INFO"] ?? "";
  if (text === "") return { apiVersion: versions[0], isInteractive: true };
  const info = parseJsonObject(text);
  if (info === undefined)
    throw new CliError("usage", "KUBERNETES_EXEC_INFO is no JSON object; leave it to kubectl");
  const apiVersion = versions.find((version) => version === info["apiVersion"]);
  if (apiVersion === undefined) throw unknownVersion(info["apiVersion"]);
  return { apiVersion, isInteractive: !forbidsPrompt(info["spec"]) };
}

function unknownVersion(version: unknown): CliError {
  const shown = typeof version === "string" ? `"${printable(version.slice(0, 80))}"` : "no version";
  return new CliError(
    "usage",
    `KUBERNETES_EXEC_INFO asks for ${shown}; in the kubeconfig, set the apiVersion of exec to ${versions.join(" or ")}`,
  );
}

function forbidsPrompt(spec: unknown): boolean {
  return typeof spec === "object" && spec !== null && "interactive" in spec && !spec.interactive;
}

/** The answer as a line of JSON; what makes it useless is told on standard error. */
export function execCredential(
  { token, origin, expires_at }: StoredToken,
  { environment, tell }: Pick<Context, "environment" | "tell">,
  { accept_bearer: acceptsBearer }: Pick<Application, "accept_bearer">,
): string {
  if (acceptsBearer !== true)
    tell(
      `Warning: this credential does not work yet. It is sent as a bearer token, and ${origin} does not say that it accepts one. Ask whoever runs the gateway to set accept_bearer: true on the application.`,
    );
  const { apiVersion } = readExecRequest(environment);
  const status = { token, expirationTimestamp: timeOf(expires_at) };
  return `${JSON.stringify({ apiVersion, kind: "ExecCredential", status })}\n`;
}

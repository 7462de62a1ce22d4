// What kubectl reads from a credential plugin (client.authentication.k8s.io): a token that it sends
// as `Authorization: Bearer`. Only an application with `accept_bearer` takes it there.
import type { Context } from "../../context.ts";
import { parseJsonObject } from "../../json-object.ts";
import type { Application } from "../../store/known-hosts.ts";
import type { StoredToken } from "../../store/token-store.ts";
import { timeOf } from "./time-of.ts";

const group = "client.authentication.k8s.io";
/** The versions in which the answer has this form; the first is the default. */
const versions = [`${group}/v1`, `${group}/v1beta1`, `${group}/v1alpha1`];

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
  const execInfo = environment["KUBERNETES_EXEC_INFO"] ?? "";
  const answer = {
    apiVersion: chooseVersion(execInfo, tell),
    kind: "ExecCredential",
    status: { token, expirationTimestamp: timeOf(expires_at) },
  };
  return `${JSON.stringify(answer)}\n`;
}

/**
 * kubectl refuses an answer in another version than the one that it asks for.
 * @param execInfo JSON, an ExecCredential without a status; empty where nobody asks
 */
function chooseVersion(execInfo: string, tell: Context["tell"]): string {
  const [newest = ""] = versions;
  if (execInfo === "") return newest;
  const version = parseJsonObject(execInfo)?.["apiVersion"];
  if (typeof version === "string" && versions.includes(version)) return version;
  tell(
    `Warning: KUBERNETES_EXEC_INFO asks for an unknown version; using ${newest}. In the kubeconfig, set the apiVersion of exec to it.`,
  );
  return newest;
}

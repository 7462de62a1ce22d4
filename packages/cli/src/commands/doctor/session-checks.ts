// What the doctor asks the gateway: who it is, and whether it takes what this machine would show.
import type { AppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import type { FlagValues } from "../../flag.ts";
import { askForApplication } from "../../gateway-client/app-metadata.ts";
import { checkToken } from "../../gateway-client/token-check.ts";
import { refusedByPolicy } from "../../sign-in/attempt.ts";
import { acceptedFields } from "../../sign-in/machine-access.ts";
import { readMachineCredential } from "../../sign-in/machine-credential.ts";
import { type Application, rememberedApplication } from "../../store/known-hosts.ts";
import { readAppToken, readOrgToken, type StoredToken } from "../../store/token-store.ts";
import { timeOf } from "../access/time-of.ts";
import { type Check, ok, warn } from "./check.ts";

/** The gateway's own description of the application, signed with the keys that it publishes. */
export async function checkGateway(context: Context, app: AppUrl): Promise<Check> {
  const { auth_domain, app_hostname, aud } = await askForApplication(context, app);
  const application = `application ${app_hostname}, AUD ${aud.slice(0, 8)}…`;
  return ok("gateway", `${auth_domain} signed for ${application}`);
}

/** Which credential a command would use, and whether the gateway takes it. */
export async function checkSession(
  context: Context,
  line: FlagValues,
  app: AppUrl,
): Promise<Check> {
  const application =
    rememberedApplication(context, app) ?? (await askForApplication(context, app));
  if (!application.login) return ok("session", "none needed: policy lets everybody through");
  const machine = readMachineCredential(context, line);
  if (machine !== undefined) {
    await acceptedFields(context, app, application, machine);
    return ok("session", `${machine.name} is used, and the gateway takes it`);
  }
  const stored = readAppToken(context, application);
  if (stored !== undefined) return checkStored(context, app, application, stored);
  if (readOrgToken(context, application.team) !== undefined)
    return ok("session", "the stored session gets a token for this application when one is needed");
  return warn("session", `not signed in; sign in with: postern access login ${app.origin}`);
}

async function checkStored(
  context: Context,
  app: AppUrl,
  application: Application,
  { token, email, expires_at }: StoredToken,
): Promise<Check> {
  const state = await checkToken(context, app, application, token);
  if (state === "denied") throw refusedByPolicy(app, email);
  if (state === "good")
    return ok("session", `signed in as ${email} until ${timeOf(expires_at)}; the gateway takes it`);
  const remedy = `sign in again with: postern access login ${app.origin}`;
  return warn("session", `the session of ${email} has ended at the gateway; ${remedy}`);
}

// How the local proxy tells a tool that it has no answer of the application: a status and one line.
// And which answers of the gateway say that the credential did not do (wire-protocol 3 and 4).
import { endpoints, headers } from "@postern/protocol/endpoints";
import { CliError } from "../exit-status.ts";
import type { GatewayAnswer } from "./gateway-request.ts";
import { valuesOf } from "./header-fields.ts";

/** An answer of the proxy itself. */
export interface Refusal {
  status: number;
  /** one line, for the tool */
  line: string;
}

/** The answer for a request that could not be asked. */
export function refusalFor(error: unknown, origin: string): Refusal {
  if (error instanceof CliError) return { status: statusFor(error), line: error.message };
  const reason = error instanceof Error ? error.message : String(error);
  return { status: 502, line: `${origin} did not answer: ${reason.slice(0, 200)}` };
}

function statusFor({ code }: CliError): number {
  switch (code) {
    case "not_signed_in":
    case "login_refused":
    case "login_timeout":
      return 401;
    case "refused_by_policy":
      return 403;
    default:
      return 502;
  }
}

/** Whether the gateway, and not the application, wants another credential. */
export function wantsCredential({ status, fields }: GatewayAnswer, team: string): boolean {
  if (status === 401)
    return valuesOf(fields, headers.error).length > 0 || valuesOf(fields, headers.aud).length > 0;
  return status >= 300 && status < 400 && leadsToLogin(fields, team);
}

function leadsToLogin(fields: GatewayAnswer["fields"], team: string): boolean {
  const [location = ""] = valuesOf(fields, "location");
  if (!URL.canParse(location)) return false;
  const { origin, pathname } = new URL(location);
  return origin === team && pathname.startsWith(endpoints.login);
}

/** For a tool whose request was refused, and cannot be sent once more. */
export function sessionEnded(origin: string): Refusal {
  return {
    status: 401,
    line: `the session at ${origin} ended while this request was sent; it is renewed, so send the request once more`,
  };
}

/** For a tool whose credential does not do, and there is no other. */
export function credentialRefused(origin: string): Refusal {
  return { status: 401, line: `${origin} does not accept the credential of this proxy` };
}

// The token of the platform that a program runs on, as a machine's credential. It goes only where
// its audience says: whoever gets it could show it there. It is read or asked for again before it
// expires.
import { peekClaims } from "@postern/protocol/decode-token";
import { headers } from "@postern/protocol/endpoints";
import { printable } from "@postern/protocol/printable";
import type { Context } from "../context.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import type { Application } from "../store/known-hosts.ts";
import type { HeaderFields, MachineCredential } from "./machine.ts";
import type { WorkloadPlace, WorkloadSettings } from "./workload-settings.ts";

/** Milliseconds before its end at which another one is asked for. */
const leeway = 30_000;
/** The kubelet writes a new token into the file at any time (milliseconds). */
const fileKeptFor = 10_000;
const longestToken = 16_384;

interface Kept {
  token: string;
  audience: string;
  /** milliseconds since the epoch */
  until: number;
}

/** The token of the platform as a machine's credential. */
export function workloadCredential(
  context: Context,
  { place, audience, variables }: WorkloadSettings,
): MachineCredential {
  const name = nameOf(place);
  let kept: Kept | undefined;
  let reading: Promise<Kept> | undefined;
  const read = async (wanted: string): Promise<Kept> => {
    const token = await readToken(context, place, wanted);
    const expiresAt = checkToken({ name, token, audience: wanted, now: context.now() });
    return { token, audience: wanted, until: keptUntil(place, expiresAt, context.now()) };
  };
  return {
    kind: "workload_token",
    name,
    remedy: "compare its issuer, audience and claims with the oidc_token rule of the application",
    variables,
    async fieldsFor({ team }: Application): Promise<HeaderFields> {
      const wanted = audience ?? team;
      if (kept?.audience === wanted && context.now() < kept.until) return fieldsOf(kept);
      reading ??= read(wanted).finally(() => {
        reading = undefined;
      });
      kept = await reading;
      return fieldsOf(kept);
    },
    forget() {
      kept = undefined;
    },
  };
}

function fieldsOf({ token }: Kept): HeaderFields {
  return { [headers.accessToken]: token };
}

/** As messages call it. */
function nameOf(place: WorkloadPlace): string {
  switch (place.kind) {
    case "github":
      return "the GitHub token of this job";
    case "variable":
      return `the ID token in ${printable(place.variable.slice(0, 60))}`;
    case "file":
      return `the workload token in ${printable(place.path.slice(0, 200))}`;
  }
}

function keptUntil({ kind }: WorkloadPlace, expiresAt: number, now: number): number {
  // Nothing else will ever stand in the variable.
  if (kind === "variable") return expiresAt;
  const end = expiresAt - leeway;
  return kind === "file" ? Math.min(end, now + fileKeptFor) : end;
}

async function readToken(
  context: Context,
  place: WorkloadPlace,
  audience: string,
): Promise<string> {
  switch (place.kind) {
    case "github": {
      const { requestGithubToken } = await import("./github-token.ts");
      return requestGithubToken(context, place, audience);
    }
    case "variable":
      return place.token.trim();
    case "file":
      return readTokenFile(place.path);
  }
}

async function readTokenFile(path: string): Promise<string> {
  const { readBoundedFile } = await import("../store/bounded-file.ts");
  try {
    return readBoundedFile(path, longestToken).trim();
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? reasonOf(error);
    throw new CliError(
      "not_signed_in",
      `the workload token in ${printable(path.slice(0, 200))} cannot be read (${reason}); check the path and its permissions`,
    );
  }
}

/**
 * Refuses what cannot open anything, before it is sent anywhere.
 * @returns when it expires, milliseconds since the epoch
 * @throws {CliError} not_signed_in
 */
function checkToken({
  name,
  token,
  audience,
  now,
}: {
  name: string;
  token: string;
  audience: string;
  now: number;
}): number {
  const refuse = (why: string) => {
    throw new CliError("not_signed_in", `${name} ${why}`);
  };
  const claims = claimsOf(token);
  if (claims === undefined) return refuse("is not a signed token; check where it comes from");
  const audiences = [claims["aud"]].flat();
  if (!audiences.includes(audience)) {
    const shown = audiences.map((each) => printable(String(each).slice(0, 100))).join(", ");
    return refuse(
      `is for ${shown || "nobody"}, and not for ${audience}; set its audience to that (or --workload-audience)`,
    );
  }
  const { exp } = claims;
  if (typeof exp !== "number") return refuse("has no expiry; check where it comes from");
  if (exp * 1000 <= now) return refuse("has expired; the platform has to issue another one");
  return exp * 1000;
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) || token.length > longestToken) return undefined;
  try {
    return peekClaims(token);
  } catch {
    return undefined;
  }
}

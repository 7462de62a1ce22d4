// What an origin is told of a person in headers that it can read without checking a signature
// (ADR 0037): under the names of gateways that applications know already. Nothing is told that such
// an application could read as something else.
import type { Application, Identity } from "../model/model.ts";
import type { Asker } from "./still-passes.ts";

type Preset = NonNullable<Application["identity_headers"]>[number];

const presets: Record<Preset, (identity: Identity) => [name: string, value: string][]> = {
  // Applications take the preferred name for an account. People choose their display name
  // themselves, and two may have the same: it must not name one.
  "oauth2-proxy": ({ email, groups }) => [
    ["X-Forwarded-User", email],
    ["X-Forwarded-Email", email],
    ["X-Forwarded-Preferred-Username", email],
    ["X-Forwarded-Groups", listOf(groups)],
  ],
  authelia: ({ email, name, groups }) => [
    ["Remote-User", email],
    ["Remote-Email", email],
    ["Remote-Name", name],
    ["Remote-Groups", listOf(groups)],
  ],
};

const none: readonly string[] = [];

/** The headers that an application wants beside the assertion: names and values in turn. */
export function plainIdentity(
  { identity_headers }: Pick<Application, "identity_headers">,
  asker: Asker,
): readonly string[] {
  if (identity_headers === undefined || !("session" in asker)) return none;
  const { identity } = asker.session;
  return identity_headers
    .flatMap((preset) => presets[preset](identity))
    .filter(([, value]) => isPlain(value))
    .flat();
}

/** A name with a comma in it would be read as two of them, one of which may let somebody in. */
function listOf(groups: readonly string[]): string {
  return groups.filter((group) => isPlain(group) && !group.includes(",")).join(",");
}

const longest = 4_000;

/** Whether every origin reads the same text: ASCII on one line, and not too much of it. */
function isPlain(value: string): boolean {
  return value.length <= longest && /^[!-~](?:[ -~]*[!-~])?$/.test(value);
}

// Signs people in at a gateway that does not run yet: `CHECKOUT FILE TOKENS PEOPLE` writes a token
// of each person for each application of the configuration, one a line, as a sign-in issues them.
// The checkout is the gateway's own, for another one may not read the store that this one makes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Parts } from "../packages/gateway/src/compose.ts";

const lifetimeMs = 6 * 60 * 60_000;
const atOnce = 500;

type Compose = typeof import("../packages/gateway/src/compose.ts");
type ConfigFile = typeof import("../packages/gateway/src/config/config-file.ts");

const [, , checkout = "", file = "", tokensFile = "", people = "1"] = process.argv;
const source = join(checkout, "packages/gateway/src");
const { compose }: Compose = await import(join(source, "compose.ts"));
const { readConfigFile }: ConfigFile = await import(join(source, "config/config-file.ts"));
const { config } = readConfigFile({ file, environment: {} });
const parts = await compose({ config, record: () => undefined });
try {
  writeFileSync(tokensFile, (await signInAll(Number(people))).join("\n"));
} finally {
  parts.handler.close();
  await parts.store.close();
}

async function signInAll(count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let first = 0; first < count; first += atOnce) {
    const size = Math.min(atOnce, count - first);
    const people = Array.from({ length: size }, (_, nth) => signIn(parts, first + nth));
    tokens.push(...(await Promise.all(people)).flat());
  }
  return tokens;
}

/** What a sign-in writes and signs, without its pages. @returns the person's tokens */
async function signIn({ sessions, tokens, catalogs }: Parts, nth: number): Promise<string[]> {
  const identity = {
    email: `person${nth}@example.com`,
    name: `Person ${nth}`,
    idp: { id: "corp", type: "oidc" },
    groups: ["staff", "engineering"],
    oidc_fields: {},
    amr: ["otp"],
    ip: "127.0.0.1",
    country: "",
    iat: Math.floor(Date.now() / 1000),
  };
  const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0";
  const session = await sessions.start({ kind: "browser", identity, userAgent, lifetimeMs });
  const { applications } = catalogs.current();
  return Promise.all(applications.map((each) => tokens.issueApp(session, each, lifetimeMs)));
}

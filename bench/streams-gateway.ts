// The gateway that bench/streams.ts measures: a process of its own, which makes sessions and their
// tokens at first, and then serves as `postern gateway` does, with as many workers as its file
// says.
import { writeFileSync } from "node:fs";
import { compose, type Parts } from "../packages/gateway/src/compose.ts";
import { readConfigFile } from "../packages/gateway/src/config/config-file.ts";
import { runGateway } from "../packages/gateway/src/main.ts";

const lifetimeMs = 6 * 60 * 60_000;

const [, , file = "", tokensFile = "", people = "0"] = process.argv;
writeFileSync(tokensFile, (await signInAll(Number(people))).join("\n"));
await runGateway({ config: file });

/** @returns a token of each person */
async function signInAll(count: number): Promise<string[]> {
  const { config } = readConfigFile({ file, environment: {} });
  const parts = await compose({ config, record: () => undefined });
  try {
    return await Promise.all(Array.from({ length: count }, (_, nth) => signIn(parts, nth)));
  } finally {
    parts.handler.close();
    await parts.store.close();
  }
}

/** What a sign-in writes and signs, without its pages. @returns the person's token */
async function signIn({ sessions, tokens, catalogs }: Parts, nth: number): Promise<string> {
  const [application] = catalogs.current().applications;
  if (application === undefined) throw new Error("the configuration has no application");
  const identity = {
    email: `person${nth}@example.com`,
    name: `Person ${nth}`,
    idp: { id: "pin", type: "onetimepin" },
    groups: ["staff"],
    oidc_fields: {},
    amr: ["otp"],
    ip: "127.0.0.1",
    country: "",
    iat: Math.floor(Date.now() / 1000),
  };
  const userAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0";
  const session = await sessions.start({ kind: "browser", identity, userAgent, lifetimeMs });
  return tokens.issueApp(session, application, lifetimeMs);
}

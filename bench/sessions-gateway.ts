// The gateway that bench/sessions.ts measures: a process of its own, which makes sessions and their
// tokens at first, and says what it uses whenever it is asked.
import { writeFileSync } from "node:fs";
import { compose } from "../packages/gateway/src/compose.ts";
import { readConfigFile } from "../packages/gateway/src/config/config-file.ts";
import { listen } from "../packages/gateway/src/gateway.ts";

/** What the process has used so far. */
export interface Usage {
  /** of all threads, microseconds */
  cpu: number;
  /** MiB */
  heap: number;
  resident: number;
}

const lifetimeMs = 6 * 60 * 60_000;
const atOnce = 1_000;
const mebibyte = 2 ** 20;

const [, , configFile = "", tokensFile = "", count = "0"] = process.argv;
const { config } = readConfigFile({ file: configFile, environment: {} });
const parts = await compose({ config, record: () => undefined });
const gateway = await listen(parts);
process.once("disconnect", () => void gateway.close());
process.on("message", () => process.send?.(usage()));
if (Number(count) > 0) writeFileSync(tokensFile, (await signInAll(Number(count))).join("\n"));
process.send?.(usage());

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { heapUsed, rss } = process.memoryUsage();
  return { cpu: user + system, heap: heapUsed / mebibyte, resident: rss / mebibyte };
}

/** @returns a token of each session */
async function signInAll(count: number): Promise<string[]> {
  const tokens: string[] = [];
  while (tokens.length < count) {
    const size = Math.min(atOnce, count - tokens.length);
    const people = Array.from({ length: size }, (_, nth) => signIn(tokens.length + nth));
    tokens.push(...(await Promise.all(people)));
  }
  return tokens;
}

/** What a sign-in writes and signs, without its pages. @returns the person's token */
async function signIn(nth: number): Promise<string> {
  const { sessions, tokens, catalogs } = parts;
  const [application] = catalogs.current().applications;
  if (application === undefined) throw new Error("the configuration has no application");
  const identity = {
    email: `person${nth}@example.com`,
    name: `Person ${nth}`,
    idp: { id: "pin", type: "onetimepin" },
    groups: ["staff", "engineering"],
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

// The gateway that bench/slow-disk.ts measures: a process of its own, which signs people in beside
// its requests while it is told to.
import { randomBytes } from "node:crypto";
import { compose } from "../packages/gateway/src/compose.ts";
import { readConfigFile } from "../packages/gateway/src/config/config-file.ts";
import { listen } from "../packages/gateway/src/gateway.ts";

/** `begin`: several people a second sign in from now on. */
export type Order = "begin" | "end";
/** At first the token of a person who is signed in, then how many signed in until `end`. */
export type Answer = { token: string } | { signIns: number };

const signInIntervalMs = 200;
const lifetimeMs = 60 * 60_000;

const { config } = readConfigFile({ file: process.argv[2] ?? "", environment: {} });
const parts = await compose({ config, record: () => undefined });
const gateway = await listen(parts);
let timer: NodeJS.Timeout | undefined;
let signIns = 0;
process.on("message", (order: Order) => void obey(order));
process.once("disconnect", () => void gateway.close());
tell({ token: await signIn("ada@example.com") });

function obey(order: Order): void {
  clearInterval(timer);
  if (order === "end") {
    tell({ signIns });
    return;
  }
  signIns = 0;
  timer = setInterval(() => {
    signIn(`person${randomBytes(4).toString("hex")}@example.com`).then(
      () => signIns++,
      // The gateway has been closed meanwhile.
      () => undefined,
    );
  }, signInIntervalMs);
}

/** What a sign-in with a PIN writes and signs, without its pages. @returns the person's token */
async function signIn(email: string): Promise<string> {
  const { store, sessions, tokens, catalogs } = parts;
  const [application] = catalogs.current().applications;
  if (application === undefined) throw new Error("the configuration has no application");
  const id = randomBytes(16).toString("hex");
  await store.counters.count(`bench ${email}`, lifetimeMs, Date.now());
  const identity = {
    email,
    name: "",
    idp: { id: "pin", type: "onetimepin" },
    groups: [],
    oidc_fields: {},
    amr: ["otp"],
    ip: "127.0.0.1",
    country: "",
    iat: Math.floor(Date.now() / 1000),
  };
  const session = await sessions.start({ kind: "browser", identity, userAgent: "", lifetimeMs });
  await tokens.issueOrg(session);
  await store.handovers.add({
    id,
    aud: application.aud,
    session_id: session.id,
    app_session_hash: id,
    state_hash: id,
    expires_at: Date.now() + lifetimeMs,
  });
  await store.handovers.take(id);
  return tokens.issueApp(session, application, lifetimeMs);
}

function tell(answer: Answer): void {
  process.send?.(answer);
}

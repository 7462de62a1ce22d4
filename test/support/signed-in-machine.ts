// A whole gateway, and a machine with the built command line on it whose terminal is signed in:
// what a login stores is there, and nobody walked through its pages.
import type { TestContext } from "node:test";
import { writeOrgToken } from "../../packages/cli/src/store/token-store.ts";
import { type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import type { StoredSession } from "../../packages/gateway/src/storage/store.ts";
import { startGateway, type TestGateway, type TestGatewayOptions } from "./gateway.ts";
import { signIn } from "./sign-in.ts";

export interface SignedInMachine {
  gateway: TestGateway;
  person: Machine;
  /** the terminal's session */
  session: StoredSession;
  /** begins another one in its place */
  signInAgain(): Promise<StoredSession>;
  /** ends the session, and every token of it */
  endSession(session: StoredSession): Promise<void>;
}

export async function signedInMachine(
  context: TestContext,
  options: TestGatewayOptions,
): Promise<SignedInMachine> {
  const gateway = await startGateway(options);
  context.after(() => gateway.close());
  const person = machine(context);
  const signInAgain = async () => {
    const { session } = await signIn(gateway);
    const { home } = person;
    const store = { home, profile: "default", environment: {}, now: Date.now, tell() {} };
    const token = await gateway.parts.tokens.issueOrg(session);
    writeOrgToken(store, gateway.team, token, "ada@example.com");
    return session;
  };
  return {
    gateway,
    person,
    session: await signInAgain(),
    signInAgain,
    endSession: async (session) => {
      await gateway.parts.sessions.end(session.id);
    },
  };
}

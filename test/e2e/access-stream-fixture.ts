// A gateway that leads to a TCP service, and the machine of somebody who is signed in there, with
// the built command line.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { writeOrgToken } from "../../packages/cli/src/store/token-store.ts";
import { type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import type { StoredSession } from "../../packages/gateway/src/storage/store.ts";
import {
  type AccessFixture,
  ada,
  application,
  everybody,
  startAccessFixture,
} from "../../packages/gateway/test/access/access-fixture.ts";
import type { Running } from "../support/cli.ts";

export interface StreamScene extends AccessFixture {
  person: Machine;
  session: StoredSession;
  /** `db.localhost:<port>`, as `--hostname` takes it */
  host: string;
  /** begins another session at this machine. @param home default: the person's own */
  signIn(home?: string, email?: string): Promise<StoredSession>;
  /** starts a listener, and resolves when it listens */
  listener(flags?: string[], environment?: Record<string, string>): Promise<Listener>;
}

export interface Listener {
  running: Running;
  /** of 127.0.0.1 */
  port: number;
}

export interface SceneOptions {
  /** the applications; default: `db` for everybody */
  applications?: Record<string, unknown>[];
  /** with a session of Ada's at this machine; default true */
  isSignedIn?: boolean;
  /** sections beside the ingress */
  sections?: Record<string, unknown>;
  /** the application, where it is not at this gateway */
  at?: string;
}

/** @param service as an ingress rule names it */
export async function streamScene(
  context: TestContext,
  service: string,
  options: SceneOptions = {},
): Promise<StreamScene> {
  const { applications = [application("db", [everybody])], isSignedIn = true } = options;
  const fixture = await startAccessFixture(context, applications, {
    ingress: [{ service }],
    ...options.sections,
  });
  const { team, parts } = fixture.fixture;
  const person = machine(context);
  const signIn = async (home = person.home, email = ada) => {
    const session = await fixture.fixture.session("terminal", email);
    const store = {
      home,
      profile: "default",
      environment: person.environment,
      now: Date.now,
      tell: () => undefined,
    };
    writeOrgToken(store, team, await parts.tokens.issueOrg(session), email);
    return session;
  };
  const session = isSignedIn ? await signIn() : await fixture.fixture.session("terminal");
  const { at: host = `db.localhost:${fixture.fixture.port}` } = options;
  return {
    ...fixture,
    person,
    session,
    signIn,
    host,
    async listener(flags = [], environment = {}) {
      const args = ["access", "tcp", "--hostname", host, "--url", "localhost:0", ...flags];
      const running = person.start(args, environment);
      const [, port] = await running.until(/^Listening on localhost:(\d+) for /m);
      return { running, port: Number(port) };
    },
  };
}

/** A connection to a port of this machine. */
export async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Resolves when it is closed, by a reset as well. */
export function whenClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

/** Everything that a connection brings until its end. */
export async function received(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  socket.on("data", (piece: Buffer) => void pieces.push(piece));
  await once(socket, "close");
  return Buffer.concat(pieces).toString("latin1");
}

export interface Ended {
  status: number | null;
  output: string;
  errors: string;
}

/** Runs a program to its end. @param input what it reads */
export async function runTool(
  program: string,
  args: string[],
  environment: Record<string, string> = {},
  input: Buffer | string = "",
): Promise<Ended> {
  const child = spawn(program, args, { env: { ...process.env, ...environment } });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return ended(child);
}

/** What a program says until its end. */
export async function ended(child: ChildProcess): Promise<Ended> {
  let [output, errors] = ["", ""];
  child.stdout?.on("data", (piece: Buffer) => {
    output += piece.toString("latin1");
  });
  child.stderr?.on("data", (piece: Buffer) => {
    errors += piece.toString("latin1");
  });
  const [status] = (await once(child, "close")) as [number | null];
  return { status, output, errors };
}

// The system's keychain, by @napi-rs/keyring: a package of its own, which the bundle neither
// contains nor needs. It is loaded where it is installed and a keychain is used, and never on the
// way to a token in a file (docs/adr/0024). Secrets go to a child by standard input (case C9).
import type { Context } from "../context.ts";
import { reasonOf } from "../exit-status.ts";

/** A keychain that cannot be used, and why. Not a failure where another store does. */
export class KeychainError extends Error {}

export interface Keychain {
  /** undefined when it answers, and has no such secret */
  get(account: string): string | undefined;
  set(account: string, secret: string): void;
  remove(account: string): void;
}

/** What the package exports for us. */
interface KeyringPackage {
  Entry: new (service: string, account: string, options: object) => KeyringEntry;
}

interface KeyringEntry {
  getPassword(): string | null;
  setPassword(secret: string): void;
  deletePassword(): boolean;
}

type Operation = "get" | "set" | "remove";
/** `probe` is all three of them, of which only a child is asked */
type ChildOperation = Operation | "probe";

const packageName = "@napi-rs/keyring";
const service = "postern";
/** Not the kernel's keyring, which forgets after some days. */
const options = { linux: { store: "secret-service" } } as const;
/** Milliseconds for a keychain that nobody can unlock; one that is open answers in a hundredth. */
const patience = 10_000;

/**
 * Whether somebody can answer when the keychain asks to be unlocked. Without a screen a secret
 * service waits for its own question without end, so it is asked by a child that can be stopped.
 */
export function canUnlock(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (platform === "darwin" || platform === "win32") return true;
  return Boolean(environment["DISPLAY"] || environment["WAYLAND_DISPLAY"]);
}

/** Whether there is a session bus to ask: a container without one is not asked at all. */
export function hasSessionBus(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  exists: (path: string) => boolean,
): boolean {
  if (platform === "darwin" || platform === "win32") return true;
  if (environment["DBUS_SESSION_BUS_ADDRESS"]) return true;
  const folder = environment["XDG_RUNTIME_DIR"];
  return Boolean(folder) && exists(`${folder}/bus`);
}

/**
 * The keychain of whoever runs this program. Its methods throw KeychainError.
 * @throws {KeychainError} when there is none
 */
export function openKeychain({ environment }: Pick<Context, "environment">): Keychain {
  const { existsSync } = process.getBuiltinModule("node:fs");
  if (!hasSessionBus(environment, process.platform, existsSync))
    throw new KeychainError("this machine runs no session bus");
  const module = findModule();
  const isDirect = canUnlock(environment, process.platform);
  const ask = isDirect ? askDirectly : askAside;
  const operate = (operation: Operation, account: string, secret = "") =>
    ask({ environment, module, operation, account, secret });
  return {
    get: (account) => operate("get", account),
    set: (account, secret) => void operate("set", account, secret),
    remove: (account) => void operate("remove", account),
  };
}

/**
 * Whether the keychain keeps what it is given, asked once for each profile: by a child that is
 * stopped when a keychain does not answer.
 * @throws {KeychainError} when it does not
 */
export function probeKeychain({ environment }: Pick<Context, "environment">): Keychain {
  const keychain = openKeychain({ environment });
  const module = findModule();
  const secret = randomHex(16);
  const account = `probe ${randomHex(8)}`;
  const answer = askAside({ environment, module, operation: "probe", account, secret });
  if (answer !== secret) throw new KeychainError("the keychain did not keep what it was given");
  return keychain;
}

/** @param bytes how many random ones */
export function randomHex(bytes: number): string {
  return process.getBuiltinModule("node:crypto").randomBytes(bytes).toString("hex");
}

interface Question<Asked extends ChildOperation = Operation> {
  environment: NodeJS.ProcessEnv;
  /** path of the package */
  module: string;
  operation: Asked;
  account: string;
  secret: string;
}

function requireHere(): NodeJS.Require {
  return process.getBuiltinModule("node:module").createRequire(import.meta.filename);
}

function findModule(): string {
  // A single executable cannot run itself as Node.
  if (process.getBuiltinModule("node:sea").isSea())
    throw new KeychainError("the single executable comes without keychain support");
  try {
    return requireHere().resolve(packageName);
  } catch {
    throw new KeychainError(`the package ${packageName} is not installed beside postern`);
  }
}

function askDirectly({ module, operation, account, secret }: Question): string | undefined {
  try {
    const { Entry }: KeyringPackage = requireHere()(module);
    const entry = new Entry(service, account, options);
    switch (operation) {
      case "get":
        return entry.getPassword() ?? undefined;
      case "set":
        entry.setPassword(secret);
        return undefined;
      case "remove":
        entry.deletePassword();
        return undefined;
    }
  } catch (error) {
    throw new KeychainError(reasonOf(error));
  }
}

/** The same in a process of its own. It prints a mark, and then the secret if there is one. */
const script = `
const fs = require("node:fs");
const [module, operation, service, account, options] = process.argv.slice(1);
const { Entry } = require(module);
const entry = new Entry(service, account, JSON.parse(options));
const does = (...operations) => operations.includes(operation);
if (does("set", "probe")) entry.setPassword(fs.readFileSync(0, "utf8"));
const secret = does("get", "probe") ? entry.getPassword() : null;
if (does("remove", "probe")) entry.deletePassword();
fs.writeSync(1, secret === null ? "none" : "some" + secret);
`;

function askAside(question: Question<ChildOperation>): string | undefined {
  const { environment, module, operation, account, secret } = question;
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const args = ["-e", script, module, operation, service, account, JSON.stringify(options)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    input: secret,
    env: environment,
    encoding: "utf8",
    timeout: patience,
    killSignal: "SIGKILL",
    windowsHide: true,
  });
  if (status === 0) return stdout.startsWith("some") ? stdout.slice("some".length) : undefined;
  if (status === null) throw new KeychainError("the keychain is locked, or does not answer");
  const [, reason = "the keychain failed"] = /^Error: (.*)$/m.exec(stderr) ?? [];
  throw new KeychainError(reason);
}

// A real OpenSSH server for tests: its own configuration, host key and port of 127.0.0.1, in the
// foreground. People log in as the account that runs the tests: no other one is needed, and none is
// made. Nothing of the machine's own OpenSSH configuration is read.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort } from "./free-port.ts";
import { leaveOut, needs } from "./requirements.ts";
import { until } from "./until.ts";

/** sshd is outside the PATH of many accounts, and wants its whole path in any case. */
const program = "/usr/sbin/sshd";

/** Options for a test that starts sshd and runs OpenSSH's clients. */
export function needsSshd(): { skip?: string } {
  if (!existsSync(program)) return leaveOut("sshd");
  return needs("ssh", "scp", "ssh-keygen");
}

export interface TestSshd {
  /** of 127.0.0.1 */
  port: number;
  /** the one account that can log in: the one that runs the tests */
  user: string;
  /** a private key that may log in; the public part stands beside it, with `.pub` */
  identityFile: string;
  /**
   * Options for `ssh` and `scp`: they ask nothing, read no configuration of the machine, offer
   * only what `-i` names, and know the host key whatever address and port they reach it by.
   */
  clientOptions: readonly string[];
  /** what sshd has logged */
  log(): string;
}

export interface TestSshdOptions {
  /** lines of `sshd_config`, which win over those of this file: sshd takes the first of a name */
  settings?: readonly string[];
}

/** Starts sshd, which ends with the test. */
export async function startSshd(
  context: TestContext,
  { settings = [] }: TestSshdOptions = {},
): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), "postern-sshd-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => join(folder, name);
  const port = await freePort();

  // 1. Keys of the host and of somebody who may log in.
  const hostKey = makeSshKey(file("host_key"));
  const identity = makeSshKey(file("identity"));
  writeFileSync(file("authorized_keys"), identity);
  writeFileSync(file("known_hosts"), `${hostAlias} ${hostKey}`);

  // 2. The configuration.
  const lines = [
    ...settings,
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${file("host_key")}`,
    `AuthorizedKeysFile ${file("authorized_keys")}`,
    "AuthenticationMethods publickey",
    "PermitRootLogin prohibit-password",
    "UsePAM no",
    "StrictModes no",
    "PidFile none",
    "LogLevel VERBOSE",
    "MaxStartups 100",
    "Subsystem sftp internal-sftp",
  ];
  writeFileSync(file("sshd_config"), `${lines.join("\n")}\n`);

  // 3. The server. Started by root it separates privileges, in a folder that its unit makes.
  if (process.geteuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const server = spawn(program, ["-D", "-e", "-f", file("sshd_config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  context.after(() => void server.kill());
  let log = "";
  server.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  await until(() => log.includes("Server listening") || server.exitCode !== null);
  if (server.exitCode !== null) throw new Error(`sshd did not start: ${log}`);

  return {
    port,
    user: userInfo().username,
    identityFile: file("identity"),
    clientOptions: clientOptions(file("known_hosts")),
    log: () => log,
  };
}

const hostAlias = "postern-test";

function clientOptions(knownHosts: string): string[] {
  const settings = [
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "StrictHostKeyChecking=yes",
    `HostKeyAlias=${hostAlias}`,
    `UserKnownHostsFile=${knownHosts}`,
    "GlobalKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
  ];
  return ["-F", "none", ...settings.flatMap((setting) => ["-o", setting])];
}

/**
 * Makes a key pair in `path` and `path.pub`.
 * @param type as `ssh-keygen -t` has it, with `-b` behind a colon: `ed25519`, `ecdsa:256`
 * @returns the public line
 */
export function makeSshKey(path: string, type = "ed25519"): string {
  const [algorithm = "", bits] = type.split(":");
  const size = bits === undefined ? [] : ["-b", bits];
  execFileSync("ssh-keygen", ["-q", "-t", algorithm, ...size, "-N", "", "-C", "", "-f", path]);
  return readFileSync(`${path}.pub`, "utf8");
}

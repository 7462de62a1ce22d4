// scp of a gibibyte through `ssh://`, to a real sshd of this run.
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePorts, startServer } from "../process.ts";
import { runProgram } from "../run-program.ts";
import type { Stage } from "../stage.ts";
import { accessContenders } from "./access-stream.ts";
import { compareInTurns, type Work } from "./compare.ts";
import { type Finding, half } from "./report.ts";
import { tcpContenders } from "./tcp.ts";

const rounds = 2;
const mebibytes = 1_024;

/** Through the gateway alone. */
export function secureCopy(stage: Stage): Promise<Finding[]> {
  return compare(stage, "scp", tcpContenders);
}

/** The whole way of `access ssh`. */
export function secureCopyByAccess(stage: Stage): Promise<Finding[]> {
  return compare(stage, "access ssh, scp", accessContenders);
}

async function compare(
  stage: Stage,
  name: string,
  start: typeof tcpContenders,
): Promise<Finding[]> {
  const sshd = await startSshd(stage);
  const source = join(stage.folder, "gibibyte");
  const target = join(stage.folder, "copy");
  writeFileSync(source, "");
  truncateSync(source, mebibytes * 2 ** 20);
  const work = (port: number) => copy(port, sshd.clientConfig, source, target);
  return [
    {
      kind: "comparison",
      title: `${name} of 1 GiB`,
      unit: { name: "MiB", cost: "ms" },
      results: await compareInTurns(await start(stage, "ssh", sshd.port, work), rounds),
      promise: half,
    },
  ];
}

async function copy(port: number, config: string, source: string, target: string): Promise<Work> {
  const begin = performance.now();
  const to = `${userInfo().username}@127.0.0.1:${target}`;
  await runProgram("scp", ["-q", "-F", config, "-P", String(port), source, to]);
  const seconds = (performance.now() - begin) / 1_000;
  rmSync(target);
  return { units: mebibytes, seconds };
}

/** @returns its port, and the file that says how a client gets in */
async function startSshd(stage: Stage): Promise<{ port: number; clientConfig: string }> {
  const file = (name: string) => join(stage.folder, name);
  const [port = 0] = await freePorts(1);
  for (const name of ["host_key", "identity"])
    await runProgram("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file(name)]);
  const server = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${file("host_key")}`,
    `AuthorizedKeysFile ${file("identity")}.pub`,
    "AuthenticationMethods publickey",
    "StrictModes no",
    "UsePAM no",
    "PidFile none",
    "Subsystem sftp internal-sftp",
  ];
  // The host is new with each run, and on this machine.
  const client = [
    "BatchMode yes",
    `IdentityFile ${file("identity")}`,
    "IdentitiesOnly yes",
    "StrictHostKeyChecking no",
    "UserKnownHostsFile /dev/null",
    "LogLevel ERROR",
  ];
  writeFileSync(file("sshd_config"), `${server.join("\n")}\n`);
  writeFileSync(file("ssh_config"), `${client.join("\n")}\n`);
  // As root it separates privileges, in a folder that its unit makes.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const args = ["-D", "-e", "-f", file("sshd_config")];
  await stage.keep(startServer("load", "/usr/sbin/sshd", args, { ready: /Server listening/ }));
  return { port, clientConfig: file("ssh_config") };
}

// The block for `~/.ssh/config` that leads ssh through the gateway (ssh_config(5)). Two grammars
// meet in it: that of the file, in which quotes hold an argument together and `%` begins a token,
// and that of the shell that runs the commands.
import { CliError } from "../exit-status.ts";

export interface ClientConfigOptions {
  /** for `Host`: a name, or a pattern */
  host: string;
  /** as `--hostname` of the commands takes it: `%h`, or the host with its port */
  hostname: string;
  /** this program: words of a shell, with `%` doubled */
  program: string;
  /** what every command of the block needs as well: words of a shell */
  flags: readonly string[];
  /** where key and certificate are, as the file has them; undefined without certificates */
  files: { key: string; certificate: string } | undefined;
}

/**
 * The block.
 * @throws {CliError} failure where the program's path cannot stand in it
 */
export function clientConfig(options: ClientConfigOptions): string {
  const { host, hostname, program, flags, files } = options;
  const command = (name: string) =>
    [program, "access", name, "--hostname", hostname, ...flags].join(" ");
  const lines = [`Host ${host}`, `  ProxyCommand ${command("ssh")}`];
  if (files !== undefined)
    // Apart, so that the way through the gateway stays where no certificate is to be had.
    lines.push(
      `Match host ${host} exec ${execArgument(command("ssh-gen"))}`,
      `  IdentityFile ${argument(files.key)}`,
      `  CertificateFile ${argument(files.certificate)}`,
    );
  return `${lines.join("\n")}\n`;
}

/**
 * OpenSSH before 9.9 ends this argument at the next double quote, and later ones read a backslash
 * before some characters as an escape: neither can stand in it.
 */
function execArgument(command: string): string {
  if (!/["\\]/.test(command)) return `"${command}"`;
  throw new CliError(
    "failure",
    "the path of this program cannot stand in ssh's configuration; put it into the PATH under the name postern, and try again",
  );
}

/** One argument of the file. */
function argument(text: string): string {
  if (/^[\w./@:+%~-]+$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** A word for the shell that runs the commands; `%` is ssh's, so it is doubled. */
export function shellWord(text: string, platform: NodeJS.Platform): string {
  const word = configPath(text, platform);
  if (/^[\w./@:+%-]+$/.test(word)) return word;
  if (platform === "win32") return `"${word}"`;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A path in which ssh finds no token of its own; Windows takes its slashes either way. */
export function configPath(path: string, platform: NodeJS.Platform): string {
  const slashed = platform === "win32" ? path.replaceAll("\\", "/") : path;
  return slashed.replaceAll("%", "%%");
}

// Flags that several commands take.
import type { Flag } from "../flag.ts";

/** Every command has it; help names it once, at the end of the list of commands. */
export const helpFlag: Flag = {
  name: "help",
  short: "h",
  description: "show how to use the command",
  hidden: true,
};

/** Whose sessions, and how to reach the gateway. */
export const networkFlags: readonly Flag[] = [
  {
    name: "profile",
    value: "NAME",
    description: "keep sessions apart under this name (or POSTERN_PROFILE)",
  },
  {
    name: "ca-file",
    value: "FILE",
    description: "PEM file of your own certificate authority (or POSTERN_CA_FILE)",
  },
  { name: "debug", description: "show the HTTP exchange, without secrets" },
  {
    name: "color",
    value: "WHEN",
    description: "auto, always or never: colour and links in messages (NO_COLOR is never)",
  },
];

/** Taken by every command of the `access` group but curl, which has a `--json` of its own. */
export const commonFlags: readonly Flag[] = [
  ...networkFlags,
  { name: "json", description: "print errors as JSON" },
  helpFlag,
];

/** The common flags of a command whose output can be JSON as well. */
export function commonFlagsWithJson(description: string): readonly Flag[] {
  return [...networkFlags, { name: "json", description }, helpFlag];
}

/** For a command that must not stop to ask a person. */
export const noLoginFlag: Flag = {
  name: "no-login",
  description: "never ask for a sign-in (the default without a terminal or with CI set)",
};

/** How a person signs in. */
export const signInFlags: readonly Flag[] = [
  {
    name: "no-browser",
    description: "print the URL instead of opening a browser (BROWSER names the one to use)",
  },
  { name: "qr", description: "show the URL as a QR code" },
  { name: "no-qr", description: "never show a QR code" },
  { name: "auto-close", description: "close the browser tab afterwards" },
  {
    name: "fedramp",
    description: "the team is one of Cloudflare's for US federal agencies",
    hidden: true,
  },
  {
    name: "timeout",
    value: "TIME",
    description: "how long to wait for the approval",
    // The official client gives up after ten polls of a minute. Whoever has not answered by then
    // has gone.
    default: "8m",
  },
];

const serviceTokenFlags: readonly Flag[] = [
  {
    name: "service-token-id",
    value: "ID",
    description: "ID of a service token (or POSTERN_SERVICE_TOKEN_ID)",
  },
  {
    name: "service-token-secret-file",
    value: "FILE",
    description:
      "file with its secret (or POSTERN_SERVICE_TOKEN_SECRET_FILE, or the secret in POSTERN_SERVICE_TOKEN_SECRET)",
  },
  {
    name: "service-token-secret",
    value: "SECRET",
    description: "its secret, where every user of the machine can read it",
    hidden: true,
  },
];

/** A token of the platform that a program runs on. */
export const workloadFlags: readonly Flag[] = [
  {
    name: "workload",
    value: "PLATFORM",
    description:
      "the token of the platform instead: github, gitlab, kubernetes, file or auto (or POSTERN_WORKLOAD)",
  },
  {
    name: "workload-token-file",
    value: "FILE",
    description: "file with that token, read again as it changes (or POSTERN_WORKLOAD_TOKEN_FILE)",
  },
  {
    name: "workload-token-variable",
    value: "NAME",
    description: "variable with GitLab's token (or POSTERN_WORKLOAD_TOKEN_VARIABLE)",
    hidden: true,
  },
  {
    name: "workload-audience",
    value: "AUDIENCE",
    description:
      "audience of that token (or POSTERN_WORKLOAD_AUDIENCE); the team domain by default",
    hidden: true,
  },
];

/** A program's credential instead of a person's. */
export const machineFlags: readonly Flag[] = [...serviceTokenFlags, ...workloadFlags];

const officialNames: Record<string, readonly string[]> = {
  "service-token-id": ["id"],
  "service-token-secret": ["secret"],
};

/** The same with the official client's short names. Not for curl: `-id` means `-i -d` there. */
export const machineFlagsWithAliases: readonly Flag[] = machineFlags.map(withAliases);

/** The same for a command that has no use for one: given all the same, it must not be ignored. */
export const refusedMachineFlags: readonly Flag[] = machineFlagsWithAliases.map(hidden);

/** The same for a command that has no use for a service token alone. */
export const refusedServiceTokenFlags: readonly Flag[] = serviceTokenFlags
  .map(withAliases)
  .map(hidden);

function withAliases(flag: Flag): Flag {
  return { ...flag, aliases: officialNames[flag.name] ?? [] };
}

/** The flag, accepted and not shown. */
export function hidden(flag: Flag): Flag {
  return { ...flag, hidden: true };
}

/** The configuration of a gateway. */
export const configFlag: Flag = {
  name: "config",
  value: "FILE",
  description: "the gateway's configuration, a YAML file",
};

// Which token of which platform a program proves itself with, from flags and the environment. Never
// by itself: a job or a pod may have a token for something else, and a person may sit in it
// (ADR 0025).
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { CliError } from "../exit-status.ts";
import type { FlagValues } from "../flag.ts";

/** Where the token comes from. */
export type WorkloadPlace =
  | { kind: "github"; url: string; bearer: string }
  | { kind: "variable"; variable: string; token: string }
  | { kind: "file"; path: string };

export interface WorkloadSettings {
  place: WorkloadPlace;
  /** undefined: the address of the team domain */
  audience: string | undefined;
  /** the variables that hold it, or lead to it */
  variables: readonly string[];
}

/** Not the service account's own token: that one is for the API server. */
const kubernetesFile = "/var/run/secrets/postern/token";
const gitlabVariable = "POSTERN_ID_TOKEN";
const githubVariables = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"] as const;

/** Variables that are for us alone. */
export const workloadVariables: readonly string[] = [
  "POSTERN_WORKLOAD",
  "POSTERN_WORKLOAD_AUDIENCE",
  "POSTERN_WORKLOAD_TOKEN_FILE",
  "POSTERN_WORKLOAD_TOKEN_VARIABLE",
];

const platforms = ["github", "gitlab", "kubernetes", "file", "auto"] as const;
type Platform = (typeof platforms)[number];

type Environment = NodeJS.ProcessEnv;

/** Whether flags, and not only the environment, name the token of a platform. */
export function hasWorkloadFlags(line: FlagValues): boolean {
  return (line.value("workload") ?? line.value("workload-token-file")) !== undefined;
}

/**
 * What the flags or the environment say of a platform's token; undefined where they name none.
 * @throws {CliError} usage, where what they name is not there
 */
export function readWorkload(
  environment: Environment,
  line: FlagValues,
): WorkloadSettings | undefined {
  const read = (flag: string) => line.value(flag) ?? (environment[variableOf(flag)] || undefined);
  const file = read("workload-token-file");
  const named = read("workload") ?? (file === undefined ? undefined : "file");
  if (named === undefined) return undefined;

  const variable = read("workload-token-variable") ?? gitlabVariable;
  const platform = readPlatform(named);
  const sources = { environment, file, variable };
  const place = platform === "auto" ? detectPlace(sources) : placeOf(platform, sources);
  return { place, audience: read("workload-audience"), variables: variablesOf(place) };
}

/** `workload-token-file` → `POSTERN_WORKLOAD_TOKEN_FILE` */
function variableOf(flag: string): string {
  return `POSTERN_${flag.replaceAll("-", "_").toUpperCase()}`;
}

function readPlatform(text: string): Platform {
  const platform = platforms.find((each) => each === text);
  if (platform !== undefined) return platform;
  const names = platforms.join(", ");
  throw new CliError("usage", `--workload ${text.slice(0, 40)} is unknown; use one of ${names}`);
}

interface Sources {
  environment: Environment;
  file: string | undefined;
  variable: string;
}

function placeOf(platform: Exclude<Platform, "auto">, sources: Sources): WorkloadPlace {
  switch (platform) {
    case "github":
      return githubPlace(sources.environment);
    case "gitlab":
      return gitlabPlace(sources);
    case "kubernetes":
      return filePlace(sources.file ?? kubernetesFile);
    case "file":
      if (sources.file !== undefined) return filePlace(sources.file);
      throw new CliError("usage", "--workload file needs --workload-token-file FILE");
  }
}

/** Whatever this platform offers, where somebody asked for that. */
function detectPlace(sources: Sources): WorkloadPlace {
  const { environment, file, variable } = sources;
  if (file !== undefined) return filePlace(file);
  if (environment[githubVariables[0]]) return githubPlace(environment);
  if (environment[variable]) return gitlabPlace(sources);
  if (existsSync(kubernetesFile)) return filePlace(kubernetesFile);
  throw new CliError(
    "usage",
    `--workload auto finds no token here: neither ${githubVariables[0]}, nor ${variable}, nor ${kubernetesFile}`,
  );
}

function githubPlace(environment: Environment): WorkloadPlace {
  const [url, bearer] = githubVariables.map((name) => environment[name]);
  if (url && bearer && URL.canParse(url)) return { kind: "github", url, bearer };
  throw new CliError(
    "usage",
    "--workload github finds no token here; give the job permissions: id-token: write",
  );
}

function gitlabPlace({ environment, variable }: Sources): WorkloadPlace {
  const token = environment[variable];
  if (token) return { kind: "variable", variable, token };
  throw new CliError(
    "usage",
    `--workload gitlab finds no token here; let id_tokens of the job set ${variable.slice(0, 60)}`,
  );
}

/** Nothing is read from the working directory (cli.md, "Files"). */
function filePlace(path: string): WorkloadPlace {
  if (isAbsolute(path)) return { kind: "file", path };
  throw new CliError("usage", `${path.slice(0, 200)} is not an absolute path; write it whole`);
}

function variablesOf(place: WorkloadPlace): readonly string[] {
  switch (place.kind) {
    case "github":
      return githubVariables;
    case "variable":
      return [place.variable];
    case "file":
      return [];
  }
}

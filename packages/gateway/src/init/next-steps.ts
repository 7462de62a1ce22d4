// What is left to do when the configuration is written.
import { parseAuthority } from "@postern/protocol/host";
import type { Answers } from "./interview.ts";

/** The lines that follow, numbered. @param command what starts the command line */
export function nextSteps(
  answers: Answers,
  { output, command }: { output: string; command: string },
): string[] {
  const { provider } = answers;
  const steps: string[][] = [];
  if (provider.kind === "oidc") {
    const callback = `${teamUrl(answers)}/cdn-cgi/access/callback`;
    steps.push([`Register this redirect URI in ${provider.recipe.registration}:`, callback]);
  }
  if (provider.secret?.kind === "environment")
    steps.push([
      `Set the secret in the gateway's environment:`,
      `export ${provider.secret.variable}=…`,
    ]);
  if (answers.transport.kind !== "local")
    steps.push([`Point these names to this machine:`, hostsOf(answers).join(", ")]);
  steps.push([`Start the gateway:`, `${command} gateway --config ${output}`]);
  steps.push([`Try it, in another terminal:`, `${command} access curl ${applicationUrl(answers)}`]);
  return [
    "",
    "Next steps:",
    ...steps.flatMap(([title, detail], index) => [`  ${index + 1}. ${title}`, `       ${detail}`]),
  ];
}

function hostsOf({ authDomain, application }: Answers): string[] {
  const { host = authDomain } = parseAuthority(authDomain) ?? {};
  const [appHost = ""] = application.domain.split("/");
  return [...new Set([host, appHost])];
}

/** Where people sign in. */
function teamUrl({ authDomain, transport }: Answers): string {
  return `${schemeOf(transport)}://${authDomain}`;
}

function applicationUrl({ application, authDomain, transport }: Answers): string {
  const [host = "", ...path] = application.domain.split("/");
  const { port } = parseAuthority(authDomain) ?? {};
  const authority = port === undefined ? host : `${host}:${port}`;
  return `${schemeOf(transport)}://${authority}/${path.join("/")}`;
}

function schemeOf({ kind }: Answers["transport"]): "http" | "https" {
  return kind === "local" ? "http" : "https";
}

// `access mcp`: an agent's standard streams on one side, an MCP server behind the gateway on the
// other. Standard output carries messages of MCP and nothing else.
import { constants as osConstants } from "node:os";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { Bridge } from "../../mcp/bridge.ts";
import { Endpoint, type EndpointParts } from "../../mcp/endpoint.ts";
import { readLines, writeLine } from "../../mcp/lines.ts";
import { KeptConnections } from "../../net/http-stream.ts";
import { machineSource, personSource } from "../../sign-in/credential-source.ts";
import { readMachineCredential } from "../../sign-in/machine-credential.ts";
import type { Invocation } from "../command.ts";
import { type CommandLine, onlyUrl } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";

/** For how long answers are waited for once the agent says nothing more, milliseconds. */
const lastAnswersTime = 10_000;

/** @returns the exit status */
export async function runMcp(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  if (line.rest[0] === "install") {
    const { installMcp } = await import("./run-mcp-install.ts");
    return installMcp(context, line);
  }
  const app = readAppUrl(onlyUrl(line, "mcp"));
  const url = new URL(app.href);
  const connections = new KeptConnections(context);
  const endpoint = new Endpoint({ url, connections, ...credentialOf(context, app, line) });
  if (process.stdin.isTTY)
    context.tell("This speaks MCP; an agent starts it: see postern access mcp --help.");
  return serve(endpoint, context.tell);
}

function credentialOf(
  context: Context,
  app: AppUrl,
  line: CommandLine,
): Pick<EndpointParts, "source" | "remedy"> {
  const machine = readMachineCredential(context, line);
  if (machine !== undefined)
    return { source: machineSource(context, app, machine), remedy: machine.remedy };
  return {
    source: personSource(context, app, () => neverAsk),
    remedy: `sign in with: postern access login ${app.origin}`,
  };
}

/** An agent waits for its answer, and nobody sees what it shows: it is told what to do instead. */
const neverAsk = {
  mayPrompt: false,
  check: false,
  openBrowser: false,
  qr: undefined,
  autoClose: false,
  federal: false,
  loginHint: undefined,
  prompt: undefined,
  timeout: 0,
};

/** @returns the exit status */
async function serve(endpoint: Endpoint, tell: (line: string) => void): Promise<number> {
  const { stdin, stdout } = process;
  const bridge = new Bridge({ endpoint, write: (text) => writeLine(stdout, text), tell });
  const ending = new AbortController();
  const signals = endingSignals(ending);
  // The agent has gone.
  stdout.on("error", () => ending.abort());
  ending.signal.addEventListener("abort", () => stdin.destroy());

  await readLines(stdin, ending.signal, (line) => bridge.receive(line));
  await bridge.end(ending.signal.aborted ? 0 : lastAnswersTime);
  return signals.status();
}

/** Ends by the usual signals, with the status that a shell gives them. */
function endingSignals(ending: AbortController): { status(): number } {
  let status = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      status = 128 + osConstants.signals[signal];
      ending.abort();
    });
  return { status: () => status };
}

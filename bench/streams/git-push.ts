// git push of 500 MB over HTTP, to git's own http-backend, each time into a repository that is
// empty.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runProgram } from "../run-program.ts";
import type { Stage } from "../stage.ts";
import { compareInTurns, type Work } from "./compare.ts";
import { applicationHost, browserHeaders, startGateway } from "./gateway.ts";
import { startBareNginx } from "./peers.ts";
import { type Finding, half } from "./report.ts";

const rounds = 2;
const files = 10;
const megabytesEach = 50;
const forwardUnbuffered = `proxy_pass http://origin; proxy_http_version 1.1;
  client_max_body_size 0; proxy_request_buffering off;`;
const headEnd = "\r\n\r\n";

/**
 * The pack stays one file, and no disk is waited for. Signs of life are off: they come while the
 * push is still sent, and nginx 1.22 sends no more of a request once its answer has begun.
 */
const bareSettings = [
  ["http.receivepack", "true"],
  ["receive.unpackLimit", "1"],
  ["receive.keepAlive", "0"],
  ["core.fsync", "none"],
];

export async function gitPush(stage: Stage): Promise<Finding[]> {
  const clone = await makeRepository(stage);
  const root = join(stage.folder, "served");
  mkdirSync(root);
  const origin = await serveRepositories(stage, root);
  const gateway = await startGateway(stage, { service: `http://127.0.0.1:${origin}` });
  const nginx = await startBareNginx(stage, origin, forwardUnbuffered);
  const config = writeGitConfig(stage, browserHeaders(gateway));
  const work = (port: number) => push(clone, root, port, config);
  const contenders = [
    { name: "**Postern**", pid: gateway.pid, run: () => work(gateway.port) },
    { name: "nginx", pid: nginx.pid, run: () => work(nginx.port) },
  ];
  return [
    {
      kind: "comparison",
      title: `git push of ${files * megabytesEach} MB`,
      unit: { name: "MB", cost: "ms" },
      results: await compareInTurns(contenders, rounds),
      promise: half,
    },
  ];
}

/** Who is signed in stands in a file, not in arguments that everybody can see. */
function writeGitConfig(stage: Stage, headers: Record<string, string>): string {
  const file = join(stage.folder, "gitconfig");
  const { Cookie = "" } = headers;
  writeFileSync(file, `[http]\n\textraHeader = "Cookie: ${Cookie}"\n`, { mode: 0o600 });
  return file;
}

async function push(clone: string, root: string, port: number, config: string): Promise<Work> {
  const bare = join(root, "target.git");
  await runProgram("git", ["init", "-q", "--bare", bare]);
  for (const setting of bareSettings) await runProgram("git", ["-C", bare, "config", ...setting]);
  const begin = performance.now();
  await runProgram(
    "git",
    ["-C", clone, "push", "-q", `http://${applicationHost}:${port}/target.git`, "main"],
    { env: { GIT_CONFIG_GLOBAL: config, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" } },
  );
  const seconds = (performance.now() - begin) / 1_000;
  rmSync(bare, { recursive: true });
  return { units: files * megabytesEach, seconds };
}

/** A repository of files that no compression makes smaller, packed already. */
async function makeRepository(stage: Stage): Promise<string> {
  const folder = join(stage.folder, "clone");
  const git = (...args: string[]) => runProgram("git", ["-C", folder, ...args]);
  await runProgram("git", ["init", "-q", "-b", "main", folder]);
  for (let nth = 0; nth < files; nth++)
    writeFileSync(join(folder, `file${nth}`), randomBytes(megabytesEach * 1_000_000));
  for (const setting of ["core.compression 0", "core.bigFileThreshold 1m"])
    await git("config", ...setting.split(" "));
  await git("add", ".");
  const author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
  await git(...author, "commit", "-q", "-m", "Add files");
  await git("repack", "-q", "-a", "-d");
  return folder;
}

/** @returns the port of a server that answers by git http-backend */
async function serveRepositories(stage: Stage, root: string): Promise<number> {
  const server = createServer((request, response) => answerByBackend(root, request, response));
  // A push of any length is welcome.
  server.requestTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stage.onEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** RFC 3875, as far as git needs it. */
function answerByBackend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const env = {
    PATH: process.env["PATH"],
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_CONFIG_NOSYSTEM: "1",
    REQUEST_METHOD: request.method,
    PATH_INFO: pathname,
    QUERY_STRING: searchParams.toString(),
    CONTENT_TYPE: request.headers["content-type"] ?? "",
    CONTENT_LENGTH: request.headers["content-length"],
    HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
    HTTP_GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    REMOTE_USER: "ada",
  };
  const backend = spawn("git", ["http-backend"], { env, stdio: ["pipe", "pipe", "inherit"] });
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => request.resume());
  // git writes the head at once. It waits for what follows, for nginx's sake, as above.
  let output = Buffer.alloc(0);
  const take = (chunk: Buffer) => {
    output = Buffer.concat([output, chunk]);
    const end = output.indexOf(headEnd);
    if (end < 0 || end + headEnd.length === output.length) return;
    backend.stdout.off("data", take).off("end", finish);
    writeAnswer(response, output);
    backend.stdout.pipe(response);
  };
  const finish = () => {
    writeAnswer(response, output);
    response.end();
  };
  backend.stdout.on("data", take).once("end", finish);
}

/** @param output of a CGI program: head, empty line, the beginning of the body */
function writeAnswer(response: ServerResponse, output: Buffer): void {
  const end = output.indexOf(headEnd);
  for (const line of output.toString("latin1", 0, end).split("\r\n")) {
    const [name = "", value = ""] = line.split(": ");
    if (name === "Status") response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.write(output.subarray(end + headEnd.length));
}

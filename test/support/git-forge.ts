// A forge as git and git-lfs see one: git's own http-backend over bare repositories, the API of Git
// LFS as its documents have it (batch, verify, locks), and a user name and password of its own. As
// real ones do, it names its objects by whole addresses that begin with its own.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { git } from "./git.ts";
import type { Answer } from "./upstream.ts";

const backend = "/usr/lib/git-core/git-http-backend";

export interface Forge {
  folder: string;
  /** what `Authorization` has to be; any request is let in while it is undefined */
  password: string | undefined;
  /** the forge's own address, as its configuration names it */
  address: string;
  /** objects that arrived and were verified, by their digests */
  verified: string[];
  answer: Answer;
  /** makes an empty repository, or one with a file in it */
  create(name: string, content?: string): void;
}

export function createForge(context: TestContext): Forge {
  const folder = mkdtempSync(join(tmpdir(), "postern-forge-"));
  context.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  mkdirSync(join(folder, "lfs"));
  const forge: Forge = {
    folder,
    password: undefined,
    address: "",
    verified: [],
    answer: (request, response) => void answerOf(forge, request, response),
    create(name, content) {
      const bare = join(folder, `${name}.git`);
      git(["init", "-q", "--bare", "-b", "main", bare]);
      git(["-C", bare, "config", "http.receivepack", "true"]);
      if (content === undefined) return;
      const work = mkdtempSync(join(folder, "work-"));
      git(["init", "-q", "-b", "main", work]);
      writeFileSync(join(work, "file"), content);
      git(["-C", work, "add", "file"]);
      git(["-C", work, "commit", "-qm", "First"]);
      git(["-C", work, "push", "-q", bare, "main"]);
    },
  };
  return forge;
}

async function answerOf(
  forge: Forge,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { password } = forge;
  if (password !== undefined && request.headers.authorization !== basic(password)) {
    response.writeHead(401, { "www-authenticate": 'Basic realm="forge"' }).end();
    return;
  }
  const url = new URL(request.url ?? "/", "http://forge");
  // A repository is also known without `.git`, by a redirect to its whole address.
  const [, name] = /^\/([a-z]+)\/info\/refs$/.exec(url.pathname) ?? [];
  if (name !== undefined) {
    const location = `${forge.address}/${name}.git/info/refs${url.search}`;
    response.writeHead(301, { location }).end();
    return;
  }
  if (url.pathname.includes("/info/lfs/")) await answerLfs(forge, url, request, response);
  else runBackend(forge, url, request, response);
}

function basic(password: string): string {
  return `Basic ${Buffer.from(`ada:${password}`).toString("base64")}`;
}

function runBackend(
  { folder }: Forge,
  { pathname, search }: URL,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const child = spawn(backend, [], {
    env: {
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      CONTENT_LENGTH: request.headers["content-length"] ?? "",
      HTTP_CONTENT_ENCODING: String(request.headers["content-encoding"] ?? ""),
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "ada",
      PATH: process.env["PATH"],
    },
  });
  child.stdin.on("error", () => undefined);
  request.pipe(child.stdin);
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout.on("data", (piece: Buffer) => {
    if (head === undefined) return void response.write(piece);
    head = Buffer.concat([head, piece]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    writeHead(response, head.subarray(0, end).toString());
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.on("close", () => response.end());
}

function writeHead(response: ServerResponse, text: string): void {
  const fields = text.split("\r\n").map((line) => line.split(/: */, 2) as [string, string]);
  const status = Number(fields.find(([name]) => name === "Status")?.[1].slice(0, 3) ?? 200);
  response.writeHead(status, Object.fromEntries(fields.filter(([name]) => name !== "Status")));
}

interface LfsObject {
  oid: string;
  size: number;
}

async function answerLfs(
  forge: Forge,
  { pathname }: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  const [, base = "", rest = ""] = /^(.*\/info\/lfs)\/(.*)$/.exec(pathname) ?? [];
  const send = (status: number, value: unknown) => {
    response.writeHead(status, { "content-type": "application/vnd.git-lfs+json" });
    response.end(JSON.stringify(value));
  };
  const [, oid = ""] = /^objects\/([0-9a-f]{64})$/.exec(rest) ?? [];
  const file = join(forge.folder, "lfs", oid);
  if (rest === "objects/batch") {
    const { operation, objects } = JSON.parse(body.toString()) as {
      operation: "upload" | "download";
      objects: LfsObject[];
    };
    const where = `${forge.address}${base}/objects`;
    send(200, {
      transfer: "basic",
      objects: objects.map((each) => actions(operation, where, each)),
    });
  } else if (rest === "objects/verify") {
    forge.verified.push((JSON.parse(body.toString()) as LfsObject).oid);
    send(200, {});
  } else if (rest.startsWith("locks")) {
    send(200, { ours: [], theirs: [], locks: [] });
  } else if (oid !== "" && request.method === "PUT") {
    const isWhole = createHash("sha256").update(body).digest("hex") === oid;
    if (isWhole) writeFileSync(file, body);
    send(isWhole ? 200 : 422, {});
  } else if (oid !== "" && existsSync(file)) {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.end(readFileSync(file));
  } else {
    send(404, { message: "not found" });
  }
}

function actions(operation: "upload" | "download", where: string, { oid, size }: LfsObject) {
  const object = { href: `${where}/${oid}` };
  const verify = { href: `${where}/verify` };
  return operation === "upload"
    ? { oid, size, actions: { upload: object, verify } }
    : { oid, size, actions: { download: object } };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

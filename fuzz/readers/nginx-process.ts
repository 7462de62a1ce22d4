// The real nginx, as a proxy with one lane for each case at a time: a Unix socket on which it
// listens, and one to which it forwards what arrived there. One process, no files but its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const nginx = "/usr/sbin/nginx";

/** One way through nginx. */
export interface Lane {
  /** where nginx listens */
  front: string;
  /** Called with each connection that nginx makes for what arrived at `front`. */
  onConnection: (socket: Socket) => void;
}

/** A running nginx. */
export interface Nginx {
  lanes: readonly Lane[];
  stop(): Promise<void>;
}

/** Starts nginx, and waits until it listens. */
export async function startNginx(lanes: number): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "postern-fuzz-nginx-"));
  const origins = await Promise.all(Array.from({ length: lanes }, (_, i) => listen(folder, i)));
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, lanes));
  mkdirSync(join(folder, "temporary"));
  const child = spawn(nginx, ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  const exited = once(child, "exit");
  let isOver = false;
  exited.then(() => {
    isOver = true;
  });
  for (const { lane } of origins)
    while (!(await answers(lane.front)))
      if (isOver) throw new Error(`nginx does not start:\n${complaint}`);
  return {
    lanes: origins.map(({ lane }) => lane),
    async stop() {
      child.kill("SIGTERM");
      await exited;
      for (const { server } of origins) server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listen(folder: string, index: number): Promise<{ lane: Lane; server: Server }> {
  const lane: Lane = {
    front: join(folder, `front-${index}`),
    onConnection: (socket) => socket.destroy(),
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    lane.onConnection(socket);
  });
  server.listen(join(folder, `origin-${index}`));
  await once(server, "listening");
  return { lane, server };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => setImmediate(resolve, false));
  });
}

function configuration(folder: string, lanes: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/temporary/${kind};`)
    .join("\n  ");
  const servers = Array.from({ length: lanes }, (_, index) => server(folder, index)).join("\n");
  // Started by root, nginx gives its worker to somebody who may not read the folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `${user}
daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr emerg;
events { worker_connections 512; }
http {
  access_log off;
  ${temporary}
  lingering_close off;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  # The client of a case shuts its side behind the last byte, and waits for what comes of it.
  proxy_ignore_client_abort on;
  proxy_next_upstream off;
  ${servers}
}
`;
}

function server(folder: string, index: number): string {
  return `
  upstream origin-${index} { server unix:${folder}/origin-${index} max_fails=0; keepalive 2; }
  server {
    listen unix:${folder}/front-${index};
    location / { proxy_pass http://origin-${index}; }
  }`;
}

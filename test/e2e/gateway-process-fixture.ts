// `postern gateway --config FILE` as an operator runs it: a process of its own, its file in a
// folder that goes with the test. What it says is in its log; what it does is asked over the
// network.
import { renameSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from "node:http";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { defined } from "../../packages/gateway/src/defined.ts";
import { type Running, startPostern, temporaryHome } from "../support/cli.ts";
import { freePort } from "../support/gateway.ts";
import { certificateFor, type TestCertificate } from "../support/tls.ts";

export const teamHost = "login.example.test";
export const host = "app.example.test";

export type Sections = Record<string, unknown>;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface Operator {
  folder: string;
  /** the configuration */
  file: string;
  port: number;
  /** writes the file as it stands in the folder, in place */
  write(sections: Sections): void;
  /** puts a new file in its place, as most editors do */
  replace(sections: Sections): void;
  start(): Promise<Running>;
}

/**
 * @param defaults sections of every file that this operator writes; `listen` and `auth_domain` have
 * their own
 */
export async function anOperator(context: TestContext, defaults: Sections): Promise<Operator> {
  const folder = temporaryHome(context);
  const file = join(folder, "postern.yaml");
  const port = await freePort();
  const textOf = (sections: Sections) =>
    JSON.stringify(
      {
        auth_domain: `${teamHost}:${port}`,
        listen: `127.0.0.1:${port}`,
        ...defined({ http1_transport: process.env["POSTERN_TEST_TRANSPORT"] }),
        ...defaults,
        ...sections,
      },
      null,
      2,
    );
  return {
    folder,
    file,
    port,
    write: (sections) => writeFileSync(file, textOf(sections)),
    replace(sections) {
      writeFileSync(`${file}~`, textOf(sections));
      renameSync(`${file}~`, file);
    },
    async start() {
      const running = startGateway(context, file);
      await running.until(/the gateway is up/);
      return running;
    },
  };
}

/** Does not wait until it is up, which it may never be. */
export function startGateway(
  context: TestContext,
  file: string,
  environment: Record<string, string> = {},
): Running {
  const running = startPostern(["gateway", "--config", file], environment);
  context.after(async () => {
    running.child.kill("SIGKILL");
    await running.ended;
  });
  return running;
}

/** The same where no file may be larger than so many kB: a disk that is full. */
export function startLimited(context: TestContext, kilobytes: number, file: string): Running {
  const wrapper = ["bash", "-c", `ulimit -f ${kilobytes}; exec "$0" "$@"`];
  const running = startPostern(["gateway", "--config", file], {}, wrapper);
  context.after(async () => {
    running.child.kill("SIGKILL");
    await running.ended;
  });
  return running;
}

/** Waits until the log has said it so many times. @returns the last of these lines */
export async function said(
  running: Running,
  message: string,
  times = 1,
): Promise<Record<string, unknown>> {
  await running.until(new RegExp(`(?:"${message}[^\\n]*\\n[\\s\\S]*?){${times}}`));
  const lines = running.stderr().split("\n");
  return JSON.parse(lines.filter((line) => line.includes(`"${message}`))[times - 1] ?? "");
}

/** An application that everybody may use. @param service an origin, or `http_status:` */
export function openTo(service: string, hostname = host): Sections {
  const everybody = [{ name: "everybody", decision: "bypass", include: [{ everyone: {} }] }];
  return {
    applications: [{ name: "App", domain: hostname, policies: everybody }],
    ingress: [{ service }],
  };
}

/** One certificate for both hosts, ready to stand in a configuration. */
export function certificate(context: TestContext): TestCertificate {
  return certificateFor(context, [teamHost, host]);
}

/**
 * Asks with a connection of its own. @param options.ca the authorities to believe; none: over plain
 * HTTP
 */
export function ask(
  options: RequestOptions & { ca?: string | string[]; servername?: string },
): Promise<Answer> {
  return open(options).then(async (response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: Buffer.concat(chunks).toString(),
    };
  });
}

/** The answer as soon as its head is here; the body is the caller's. */
export function open({
  ca,
  ...options
}: RequestOptions & { ca?: string | string[]; servername?: string }): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request =
      ca === undefined
        ? plainRequest({ host: "127.0.0.1", agent: false, ...options }, resolve)
        : tlsRequest({ host: "127.0.0.1", agent: false, ca, ...options }, resolve);
    request.on("error", reject);
    request.end();
  });
}

/**
 * Asks again and again until the answer is as wanted: for what the gateway takes up by itself and
 * does not log.
 */
export async function askUntil<T>(
  question: () => Promise<T>,
  wanted: (answer: T) => boolean,
): Promise<T> {
  for (;;) {
    const answer = await question();
    if (wanted(answer)) return answer;
    await pause(20);
  }
}

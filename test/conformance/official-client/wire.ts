// What the official client puts on the wire and what it accepts, restated from its observed
// behaviour (wire-protocol 2, 4, 6): Go's HTTP client sends no `Accept`, `Accept-Encoding: gzip` on
// GET alone, and no cookie that was not put there by hand. Nothing of Postern's own client is used
// here.
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";

export const current = "cloudflared/2026.8.2";
export const older = "cloudflared/2026.7.3";

/**
 * The team domain that the client accepts from an application. Since 2026.8.0 it must end in
 * `.cloudflareaccess.com`, which is compiled in; releases before it take any.
 * @throws {Error} before anything is asked of the team domain
 */
export function acceptTeamDomain(wire: Wire, authDomain: string): URL {
  const team = new URL(`https://${authDomain}`);
  const [, year = "", month = ""] = /^cloudflared\/(\d+)\.(\d+)\./.exec(wire.userAgent) ?? [];
  const isStrict = Number(year) * 12 + Number(month) >= 2026 * 12 + 8;
  if (isStrict && !team.hostname.endsWith(".cloudflareaccess.com"))
    throw new Error(`${team.hostname} is not a team domain under .cloudflareaccess.com`);
  return team;
}

export interface Answer {
  url: string;
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Wire {
  /** PEM of the authority that the machine trusts */
  ca: string;
  userAgent: string;
}

/**
 * One request, exactly with these headers; every name is dialled at 127.0.0.1. No redirect is
 * followed.
 */
export function send(
  wire: Wire,
  method: "GET" | "HEAD",
  url: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { hostname, host, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        method,
        path: pathname + search,
        servername: hostname,
        ca: wire.ca,
        agent: false,
        headers: {
          Host: host,
          "User-Agent": wire.userAgent,
          ...headers,
          ...(method === "GET" ? { "Accept-Encoding": "gzip" } : {}),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            url,
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

/** Go's redirect rule: the method stays for HEAD, `Referer` is added, ten hops at most. */
export async function follow(
  wire: Wire,
  first: string,
  adjust: (url: URL) => Record<string, string>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let url = first;
  let referer: string | undefined;
  while (answers.length < 10) {
    const answer = await send(wire, "HEAD", url, {
      ...(referer === undefined ? {} : { Referer: referer }),
      ...adjust(new URL(url)),
    });
    answers.push(answer);
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status > 399 || location === undefined) return answers;
    referer = url;
    url = new URL(location, url).href;
  }
  throw new Error("stopped after 10 redirects");
}

/**
 * What Go's cookie parser would hand over, as the client reads it: by name, with the expiry that it
 * demands.
 */
export function setCookie(
  answer: Answer,
  name: string,
): { value: string; expires: Date | undefined } | undefined {
  for (const line of answer.headers["set-cookie"] ?? []) {
    const [pair = "", ...attributes] = line.split(/;\s*/);
    if (!pair.startsWith(`${name}=`)) continue;
    const expires = attributes.find((each) => /^expires=/i.test(each));
    return {
      value: pair.slice(name.length + 1),
      expires: expires === undefined ? undefined : new Date(expires.slice("expires=".length)),
    };
  }
  return undefined;
}

export interface Jws {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
}

/** Verifies RS256 with the key of that `kid`, as listed by the certs endpoint. */
export function verifyJws(token: string, certs: { keys: Record<string, string>[] }): Jws {
  const [head = "", body = "", signature = ""] = token.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url").toString()) as Record<string, unknown>;
  const jwk = certs.keys.find((key) => key["kid"] === header["kid"]);
  if (header["alg"] !== "RS256" || jwk === undefined) throw new Error("no such key");
  const key = createPublicKey({ key: jwk, format: "jwk" });
  if (!verify("sha256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url")))
    throw new Error("bad signature");
  return {
    header,
    claims: JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>,
  };
}

export interface LoginKey {
  /** as it stands in URLs: URL-safe base64 with padding */
  text: string;
  /** 32 bytes */
  secret: Uint8Array;
}

export function loginKey(): LoginKey {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const bytes = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const secret = Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url");
  return { text: bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_"), secret };
}

/**
 * The page that the client opens: the query names in alphabetical order, `redirect_url` repeating
 * `aud` and `token`.
 */
export function loginUrl(application: string, aud: string, key: LoginKey): string {
  const back = new URL(application);
  back.searchParams.set("token", key.text);
  back.searchParams.set("aud", aud);
  back.searchParams.sort();
  const page = new URL("/cdn-cgi/access/cli", application);
  page.searchParams.set("aud", aud);
  page.searchParams.set("edge_token_transfer", "true");
  page.searchParams.set("redirect_url", back.href);
  page.searchParams.set("send_org_token", "true");
  page.searchParams.set("token", key.text);
  return page.href;
}

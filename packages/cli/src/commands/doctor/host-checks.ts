// What the doctor finds out about the way to a host: its name, its certificate, its clock.
import { lookup } from "node:dns/promises";
import { headers } from "@postern/protocol";
import { isLoopbackHost, withoutBrackets } from "@postern/protocol/host";
import type { Context } from "../../context.ts";
import { send } from "../../net/http-client.ts";
import type { HttpResponse } from "../../net/http-message.ts";
import { type CertificateFacts, inspectCertificate } from "../../net/inspect-certificate.ts";
import { dialFor } from "../../net/network.ts";
import { proxyFor } from "../../net/proxy.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** Which proxy stands between. Its password is not shown. */
export function checkProxy({ environment }: Context, url: URL): Check {
  const proxy = proxyFor(environment, url, undefined);
  if (proxy === undefined) return ok("proxy", `none for ${url.hostname}`);
  const who = proxy.username === "" ? "" : ", with a user name";
  return ok("proxy", `${proxy.protocol}//${proxy.host}${who}`);
}

export async function checkName({ environment }: Context, url: URL): Promise<Check> {
  if (proxyFor(environment, url, undefined) !== undefined)
    return ok("name", `${url.hostname} is left to the proxy`);
  const { host } = dialFor(url, undefined);
  if (isLoopbackHost(url.hostname)) return ok("name", `${url.hostname} is this machine (${host})`);
  try {
    const addresses = await lookup(withoutBrackets(host), { all: true });
    return ok("name", `${url.hostname} is ${addresses.map(({ address }) => address).join(", ")}`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy = "check the name, and the network or VPN that knows it";
    return fail("name", "unreachable", `${url.hostname} has no address (${code}); ${remedy}`);
  }
}

/** Days before its end at which a certificate should have been renewed. */
const renewalDays = 14;
const day = 24 * 3600_000;

/** @returns undefined where there is no TLS connection: the next check has the sentence for that */
export async function checkCertificate(context: Context, url: URL): Promise<Check | undefined> {
  if (url.protocol === "http:")
    return ok("certificate", "none needed: plain http does not leave this machine");
  const facts = await inspectCertificate(context, url);
  if (facts === undefined) return undefined;
  const { fault } = facts;
  if (fault !== undefined) return wrongCertificate(facts, fault, url);
  const { authority, until } = facts;
  const message = `for ${url.hostname}, from ${authority}, until ${dateOf(until)}`;
  const daysLeft = Math.floor((until - context.now()) / day);
  if (daysLeft >= renewalDays) return ok("certificate", message);
  return warn("certificate", `${message}: ${daysLeft} days; whoever runs the host must renew it`);
}

function wrongCertificate(facts: CertificateFacts, fault: string, url: URL): Check {
  const { authority, names, from, until } = facts;
  const owner = "whoever runs the host must";
  const reasons: Record<string, string> = {
    CERT_HAS_EXPIRED: `it ended on ${dateOf(until)}; ${owner} renew it`,
    CERT_NOT_YET_VALID: `it begins on ${dateOf(from)}; check this machine's clock`,
    ERR_TLS_CERT_ALTNAME_INVALID: `it is for ${names}, and not for ${url.hostname}; check the address`,
  };
  const untrusted = `${authority} is not trusted here (${fault}); if it is an authority of your own, name its file with --ca-file`;
  return fail("certificate", "unverified", reasons[fault] ?? untrusted);
}

function dateOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

/** Seconds that clocks may differ without anybody noticing, and such that tokens suffer from. */
const tolerance = 30;
const harm = 300;

/** An answer of the host, and when it came (milliseconds since the epoch). */
export interface Answer {
  response: HttpResponse;
  at: number;
}

/** The question with which everything begins (wire-protocol 6.1). */
export async function askHost(context: Context, url: URL): Promise<Answer> {
  const askedAt = context.now();
  const response = await send(context, {
    method: "HEAD",
    url,
    headers: { [headers.metadataRequest]: "true" },
    remedy: "check the address and the network",
  });
  return { response, at: (askedAt + context.now()) / 2 };
}

export function checkAnswer({ response }: Answer, url: URL): Check {
  return ok("answer", `${url.host} answers with status ${response.status}`);
}

/** Compares this machine's clock with the `Date` of the gateway (RFC 9110 6.6.1). */
export function checkClock({ response, at }: Answer, url: URL): Check {
  const theirs = Date.parse(response.headers.date ?? "");
  if (Number.isNaN(theirs)) return warn("clock", `${url.host} does not tell the time`);
  const seconds = Math.round((at - theirs) / 1000);
  if (Math.abs(seconds) <= tolerance) return ok("clock", "agrees with the gateway's");
  const direction = seconds > 0 ? "ahead of" : "behind";
  const message = `this machine is ${lengthOf(Math.abs(seconds))} ${direction} the gateway; set the clock (timedatectl set-ntp true)`;
  if (Math.abs(seconds) < harm) return warn("clock", message);
  return fail("clock", "failure", message);
}

function lengthOf(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} minutes`;
  return `${Math.round(seconds / 3600)} hours`;
}

// A combination of values, as somebody who asks: for the evaluator, and for people to read.
import type { Identity, Principal, Workload } from "../model/identity.ts";
import type { Circumstances, Subject } from "../model/rules/rule.ts";
import type { IdentitySpace } from "./identity-space.ts";

/** dimension → value */
export type Member = ReadonlyMap<string, string>;

/** What is asked for, and from where. */
export function requestOf(member: Member): Circumstances {
  const { path } = splitUrl(member.get("url") ?? "/");
  return {
    ip: member.get("address") ?? "",
    country: member.get("country") || undefined,
    request: { method: member.get("method") ?? "GET", path },
  };
}

/** `host/path` in two. */
function splitUrl(url: string): { host: string; path: string } {
  const slash = url.indexOf("/");
  return { host: url.slice(0, slash), path: url.slice(slash) };
}

/** Somebody who has these values. What makes no difference is the last of its dimension. */
export function subjectOf(kind: Principal["kind"], member: Member, space: IdentitySpace): Subject {
  const whole = new Map([...space].map(([name, values]) => [name, values.at(-1) ?? ""]));
  // Of a flag the first value says that it is not so.
  for (const [name, values] of space) if (values[0] === "no") whole.set(name, "no");
  for (const name of ["url", "method", "address"]) whole.set(name, space.get(name)?.[0] ?? "");
  for (const [name, value] of member) whole.set(name, value);
  return { principal: principalOf(kind, whole), ...requestOf(whole) };
}

function principalOf(kind: Principal["kind"], values: Member): Principal {
  switch (kind) {
    case "anonymous":
      return { kind };
    case "person":
      return { kind, identity: identityOf(values) };
    case "linked": {
      const id = values.get("linked_app") ?? "";
      return { kind, application: { id, name: id }, identity: identityOf(values) };
    }
    case "service": {
      const id = values.get("service_token") ?? "";
      return { kind, tokenId: id, clientId: id };
    }
    case "workload":
      return { kind, workload: workloadOf(values) };
  }
}

function identityOf(values: Member): Identity {
  const claims: Record<string, unknown[]> = {};
  const amr: string[] = [];
  for (const [name, value] of values) {
    if (value !== "yes") continue;
    if (name.startsWith("amr ")) amr.push(name.slice("amr ".length));
    if (!name.startsWith("claim ")) continue;
    const [claim = "", text] = JSON.parse(name.slice("claim ".length)) as string[];
    // A map is what no rule can compare.
    claims[claim] = [...(claims[claim] ?? []), text ?? {}];
  }
  return {
    email: values.get("email") ?? "",
    name: "",
    idp: { id: values.get("provider") ?? "", type: "" },
    groups: [],
    oidc_fields: claims,
    amr,
    ip: values.get("address") ?? "",
    country: "",
    iat: 0,
  };
}

function workloadOf(values: Member): Workload {
  const claims: Record<string, string[]> = {};
  const audiences: string[] = [];
  for (const [name, value] of values) {
    if (value !== "yes") continue;
    if (name.startsWith("audience ")) audiences.push(name.slice("audience ".length));
    if (!name.startsWith("workload ")) continue;
    const [claim = "", text = ""] = JSON.parse(name.slice("workload ".length)) as string[];
    claims[claim] = [...(claims[claim] ?? []), text];
  }
  const [issuer, jwksUri] = JSON.parse(values.get("issuer") || '["",null]') as (string | null)[];
  return {
    issuer: issuer ?? "",
    jwksUri: jwksUri ?? undefined,
    subject: "",
    audiences,
    claims,
    expiresAt: 0,
  };
}

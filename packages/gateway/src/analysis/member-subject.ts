// A combination of values, as somebody who asks: for the evaluator, and for people to read.
import type { Identity, Principal, Workload } from "../model/identity.ts";
import type { Circumstances, Subject } from "../model/rules/rule.ts";
import type { IdentitySpace } from "./identity-space.ts";

/** dimension → value */
export type Member = ReadonlyMap<string, string>;

/** The two sides of a comparison. */
export type SideName = "before" | "after";

/**
 * An address as a value: `host/path`. Where the two sides treat runs of slashes otherwise, the path
 * that policies see after the change stands behind it.
 */
export function urlText(host: string, before: string, after: string): string {
  return before === after ? host + before : `${host}${before} ${after}`;
}

/** The address of such a value, for people. */
export function addressIn(url: string): string {
  return url.split(" ")[0] ?? url;
}

/** Whether the sides see another path. */
export function hasTwoPaths(url: string): boolean {
  return url.includes(" ");
}

/** What is asked for, and from where. */
export function requestOf(member: Member, side: SideName): Circumstances {
  const [whole = "/", afterPath] = (member.get("url") ?? "/").split(" ");
  const before = whole.slice(whole.indexOf("/"));
  const path = side === "after" ? (afterPath ?? before) : before;
  return {
    ip: member.get("address") ?? "",
    country: member.get("country") || undefined,
    request: { method: member.get("method") ?? "GET", path },
  };
}

/** Somebody who has these values. What makes no difference is the last of its dimension. */
export function subjectOf(
  kind: Principal["kind"],
  member: Member,
  space: IdentitySpace,
  side: SideName,
): Subject {
  const whole = new Map([...space].map(([name, values]) => [name, values.at(-1) ?? ""]));
  // Of a flag the first value says that it is not so.
  for (const [name, values] of space) if (values[0] === "no") whole.set(name, "no");
  for (const name of ["url", "method", "address"]) whole.set(name, space.get(name)?.[0] ?? "");
  for (const [name, value] of member) whole.set(name, value);
  return { principal: principalOf(kind, whole), ...requestOf(whole, side) };
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
  // A claim may be called `constructor`.
  const claims: Record<string, unknown[]> = Object.create(null);
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
  const claims: Record<string, string[]> = Object.create(null);
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

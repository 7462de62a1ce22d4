// Configuration files drawn at random from few words, so that rules, networks, hosts and paths
// often meet, and changes of them as somebody would make one: a rule more, another order, an
// application that moves.
import { Draws } from "../../packages/gateway/test/policy/random-policies.ts";

export { Draws };

/** A rule, or what holds rules, as a file writes it. */
export type Written = Record<string, unknown>;

/** Three lists of rules. */
export interface WrittenSet extends Written {
  include: Written[];
  require: Written[];
  exclude: Written[];
}

/** An application as a file writes it. */
export interface WrittenApplication extends Written {
  id: string;
  self_hosted_domains: string[];
  policies: (WrittenSet | string)[];
}

/** The sections of a file that decide who gets in. */
export interface WrittenFile extends Written {
  identity_providers: Written[];
  service_tokens: Written[];
  lists: { id: string; name: string; type: string; items: { value: string }[] }[];
  groups: WrittenSet[];
  policies: WrittenSet[];
  applications: WrittenApplication[];
}

/** How much there is to ask about: a small file can be tried out completely. */
export type FileSize = "small" | "large";

const head = {
  auth_domain: "login.localhost:8600",
  listen: "127.0.0.1:8600",
  ingress: [{ service: "http://127.0.0.1:3000" }],
};

const groupIds = ["g1", "g2", "g3"];
const emails = ["ada@a.example", "bob@a.example", "cy@b.example"];
const domains = ["a.example", "b.example", "sub.a.example"];
const providers = ["corp", "partner"];
const claims = [
  ...[
    ["groups", "eng"],
    ["groups", "ops"],
    ["team", "red"],
  ],
  ...[
    ["team", "blue"],
    ["realm.roles", "admin"],
    ["level", "3"],
  ],
] as [string, string][];
const networks = [
  ...["10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0"],
  ...["2001:db8::/32", "2001:db8:1::/48", "::/0", "::ffff:10.1.0.0/112"],
];
const hosts = ["a.localhost", "b.localhost", "*.localhost", "x.a.localhost", "a*.localhost"];
const places = ["", "", "/x", "/x/y", "/x*y", "/x/*", "/X"];
const paths = ["/", "/x", "/x/y", "/*/y", "/x*y", "/z", "/X", "/x.json"];
const issuer = "https://issuer.example";
const patterns = ["acme/shop", "acme/*", "acme/**", "*/shop", "main"];

/** A file with everything that policies may name. */
export function drawFile(draws: Draws, size: FileSize): WrittenFile {
  const isSmall = size === "small";
  const ids = isSmall ? groupIds.slice(0, 1) : groupIds;
  const groups = ids.map((id, place) => ({
    id,
    name: id.toUpperCase(),
    ...drawSet(draws, groupIds.slice(0, place), isSmall),
  }));
  const policies = ["r1", "r2"].map((id) => drawPolicy(draws, id, isSmall));
  const domains = new Set<string>();
  const count = isSmall ? 1 + draws.below(2) : 2 + draws.below(3);
  while (domains.size < count) domains.add(draws.one(hosts) + draws.one(places));
  return {
    ...head,
    identity_providers: providers.map(providerOf),
    service_tokens: ["t1", "t2"].map((id) => ({
      ...{ id, name: id.toUpperCase(), client_id: `${id}.access` },
      ...{ client_secret: id.repeat(20), enabled: !draws.rarely(5) },
    })),
    lists: [
      { id: "people", name: "People", type: "EMAIL", items: [{ value: draws.one(emails) }] },
      { id: "nets", name: "Nets", type: "IP", items: [{ value: draws.one(networks) }] },
    ],
    groups,
    policies,
    applications: [...domains].map((domain, place) =>
      drawApplication(draws, `app${place}`, domain, isSmall),
    ),
  };
}

function providerOf(id: string): Written {
  const config = { client_id: "c", issuer: `https://${id}.example`, claims: claimRoots() };
  return { id, name: id.toUpperCase(), type: "oidc", config };
}

function claimRoots(): string[] {
  const roots = claims.map(([name]) => name.split(".")[0] ?? name);
  return [...new Set(roots)].filter((name) => name !== "groups");
}

function drawApplication(
  draws: Draws,
  id: string,
  domain: string,
  isSmall: boolean,
): WrittenApplication {
  const count = isSmall ? 1 + draws.below(2) : 1 + draws.below(4);
  const own = () =>
    Array.from({ length: count }, (_, place) => drawPolicy(draws, `${id}-p${place}`, isSmall));
  return {
    ...{ id, name: id.toUpperCase(), self_hosted_domains: [domain] },
    allow_encoded_slashes: draws.rarely(4),
    policies: draws.rarely(4) ? draws.one([["r1"], ["r1", "r2"], ["r2", "r1"]]) : own(),
  };
}

const decisions = ["allow", "allow", "allow", "deny", "bypass", "non_identity"];

function drawPolicy(draws: Draws, id: string, isSmall: boolean): WrittenSet {
  const set = drawSet(draws, isSmall ? groupIds.slice(0, 1) : groupIds, isSmall);
  return { id, name: id.toUpperCase(), decision: draws.one(decisions), ...set };
}

function drawSet(draws: Draws, groups: readonly string[], isSmall: boolean): WrittenSet {
  const rules = (below: number) =>
    Array.from({ length: draws.below(below) }, () => drawRule(draws, groups));
  const more = isSmall ? 1 : 3;
  const other = isSmall && !draws.rarely(3) ? 1 : 2;
  return {
    include: [drawRule(draws, groups), ...rules(more)],
    require: rules(other),
    exclude: rules(other),
  };
}

/** @param groups that it may name */
function drawRule(draws: Draws, groups: readonly string[]): Written {
  switch (draws.below(17)) {
    case 0:
      return { everyone: {} };
    case 1:
      return { email: { email: draws.one(emails) } };
    case 2:
      return { email_domain: { domain: draws.one(domains) } };
    case 3:
      return { login_method: { id: draws.one(providers) } };
    case 4:
      return { auth_method: { auth_method: draws.one(["mfa", "hwk"]) } };
    case 5: {
      const [claim_name, claim_value] = draws.one(claims);
      return { oidc: { claim_name, claim_value, identity_provider_id: draws.one(providers) } };
    }
    case 6:
      return { ip: { ip: draws.one(networks) } };
    case 7:
      return { service_token: { token_id: draws.one(["t1", "t2"]) } };
    case 8:
      return { any_valid_service_token: {} };
    case 9:
      return { oidc_token: drawWorkloadRule(draws) };
    case 10:
      return { email_list: { id: "people" } };
    case 11:
      return { ip_list: { id: "nets" } };
    case 12:
      return { geo: { country_code: draws.one(["PT", "DE"]) } };
    case 13:
      return { method: { method: draws.one(["GET", "POST", ["GET", "POST"]]) } };
    case 14:
      return {
        path: { path: draws.one([draws.one(paths), [draws.one(paths), draws.one(paths)]]) },
      };
    case 15:
      return draws.rarely(4)
        ? { device_posture: { integration_uid: "x" } }
        : { linked_app_token: { app_uid: "app0" } };
    default:
      return groups.length === 0 ? { everyone: {} } : { group: { id: draws.one(groups) } };
  }
}

function drawWorkloadRule(draws: Draws): Written {
  const repository = draws.one([draws.one(patterns), [draws.one(patterns), draws.one(patterns)]]);
  const audience = draws.one(["one", "two"]);
  return {
    issuer,
    audience,
    claims: draws.rarely(2) ? { repository, ref: "main" } : { repository },
  };
}

type Edit = (draws: Draws, file: WrittenFile) => void;

/** The file with one to three changes. Not each of them is one that a gateway takes. */
export function changeFile(draws: Draws, file: WrittenFile): WrittenFile {
  const changed = structuredClone(file);
  for (let count = 1 + draws.below(3); count > 0; count--) draws.one(edits)(draws, changed);
  return changed;
}

const edits: readonly Edit[] = [
  ...[changeRules, changeRules, changeRules, changeRules],
  function changeDecision(draws, file) {
    draws.one(allPolicies(file))["decision"] = draws.one(decisions);
  },
  function reorder(draws, file) {
    const { policies } = draws.one(file.applications);
    policies.reverse();
  },
  function statePrecedence(draws, file) {
    const { policies } = draws.one(file.applications);
    const own = policies.filter((each) => typeof each !== "string");
    if (own.length < policies.length) return;
    for (const [place, each] of own.entries()) each["precedence"] = own.length - place;
  },
  function addApplication(draws, file) {
    const domain = draws.one(hosts) + draws.one(places);
    const id = `new${file.applications.length}`;
    file.applications.push(drawApplication(draws, id, domain, false));
  },
  function removeApplication(draws, file) {
    if (file.applications.length > 1)
      file.applications.splice(draws.below(file.applications.length), 1);
  },
  function moveApplication(draws, file) {
    draws.one(file.applications).self_hosted_domains = [draws.one(hosts) + draws.one(places)];
  },
  function addDomain(draws, file) {
    draws.one(file.applications).self_hosted_domains.push(draws.one(hosts) + draws.one(places));
  },
  function changeList(draws, file) {
    const [people, nets] = file.lists;
    if (draws.rarely(2)) people?.items.push({ value: draws.one(emails) });
    else nets?.items.push({ value: draws.one(networks) });
  },
  function changeToken(draws, file) {
    const token = draws.one(file.service_tokens);
    token["enabled"] = token["enabled"] !== true;
  },
  function changeProviders(draws, file) {
    if (draws.rarely(2)) file.identity_providers.push(providerOf("third"));
    else file.identity_providers.pop();
  },
  function linkPolicies(draws, file) {
    draws.one(file.applications).policies = draws.one([["r1"], ["r2", "r1"]]);
  },
  function dropPolicy(draws, file) {
    draws.one(file.applications).policies.pop();
  },
];

function changeRules(draws: Draws, file: WrittenFile): void {
  const places = [...file.groups.keys()];
  const isGroup = draws.rarely(3);
  const place = draws.one(places);
  const set = isGroup ? file.groups[place] : draws.one(allPolicies(file));
  if (set === undefined) return;
  const rules = set[draws.one(["include", "require", "exclude"] as const)];
  const groups = groupIds.slice(0, isGroup ? place : file.groups.length);
  if (draws.rarely(2)) rules.push(drawRule(draws, groups));
  else if (rules.length > (rules === set.include ? 1 : 0))
    rules.splice(draws.below(rules.length), 1);
}

function allPolicies({ applications, policies }: WrittenFile): WrittenSet[] {
  const own = applications.flatMap((each) =>
    each.policies.filter((policy) => typeof policy !== "string"),
  );
  return [...own, ...policies];
}

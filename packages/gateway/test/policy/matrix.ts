// Every kind of rule with a value, and everybody who may ask, with what the rule says of them by a
// sentence of its own: nothing of the gateway's rules is used here.
import type { Group, Identity, List, Principal, Rule } from "../../src/model/model.ts";
import type { Match, Subject } from "../../src/model/rules/rule.ts";

const ada: Identity = {
  email: "Ada@example.com",
  name: "Ada",
  idp: { id: "corp", type: "oidc" },
  groups: ["eng"],
  oidc_fields: { department: "research" },
  amr: ["mfa"],
  ip: "203.0.113.9",
  country: "FR",
  iat: 0,
};
const bob: Identity = {
  ...ada,
  email: "bob@other.example",
  idp: { id: "pin", type: "onetimepin" },
  oidc_fields: {},
  amr: ["otp"],
};
const job = {
  issuer: "https://issuer.example",
  jwksUri: undefined,
  subject: "job",
  audiences: ["us"],
  claims: { repository: "acme/shop" },
  expiresAt: 0,
};

const principals: readonly Principal[] = [
  { kind: "anonymous" },
  { kind: "person", identity: ada },
  { kind: "person", identity: bob },
  { kind: "service", tokenId: "t1", clientId: "t1.access" },
  { kind: "service", tokenId: "t2", clientId: "t2.access" },
  { kind: "workload", workload: job },
  { kind: "workload", workload: { ...job, claims: { repository: "evil/shop" } } },
  { kind: "linked", application: { id: "portal", name: "Portal" }, identity: ada },
  { kind: "linked", application: { id: "wiki", name: "Wiki" }, identity: bob },
];

const requests: readonly Subject["request"][] = [
  { method: "GET", path: "/reports/7" },
  { method: "HEAD", path: "/" },
  { method: "POST", path: "/reports" },
  { method: "POST", path: "/REPORTS" },
  "awaited",
  "none",
];

/** Everybody who may ask, from two places of which one is in no country, for anything. */
export const subjects: readonly Subject[] = principals.flatMap((principal) =>
  requests.flatMap((request): Subject[] => [
    { principal, ip: "192.0.2.7", country: "PT", request },
    { principal, ip: "198.51.100.1", country: "ES", request },
    { principal, ip: "198.51.100.2", country: undefined, request },
  ]),
);

export const lists: readonly List[] = [
  { id: "people", name: "People", type: "EMAIL", items: [{ value: "ada@example.com" }] },
  { id: "offices", name: "Offices", type: "IP", items: [{ value: "192.0.2.0/24" }] },
];

export const groups: readonly Group[] = [
  {
    id: "adas",
    name: "Ada",
    include: [{ email: { email: "ada@example.com" } }],
    require: [],
    exclude: [],
  },
  {
    id: "robots",
    name: "Robots",
    include: [{ service_token: { token_id: "t1" } }],
    require: [],
    exclude: [],
  },
  {
    id: "loop",
    name: "Loop",
    include: [{ everyone: {} }, { group: { id: "loop" } }],
    require: [],
    exclude: [],
  },
];

/** A rule, and what it says. */
export interface Selector {
  rule: Rule;
  says(subject: Subject): Match;
}

const yesOrNo = (holds: boolean): Match => (holds ? "yes" : "no");

/** About a person: also the one in whose name another application asks. */
function ofPerson(holds: (identity: Identity) => boolean): Selector["says"] {
  return ({ principal }) => {
    if (principal.kind === "anonymous") return "pending";
    return yesOrNo("identity" in principal && holds(principal.identity));
  };
}

function ofRequest(says: (method: string, path: string) => Match): Selector["says"] {
  return ({ request }) => {
    if (request === "awaited") return "pending";
    return request === "none" ? "unknown" : says(request.method, request.path);
  };
}

const isAda = ofPerson(({ email }) => email === ada.email);
const isT1 = ({ principal }: Subject) =>
  yesOrNo(principal.kind === "service" && principal.tokenId === "t1");
const isInOffice = ({ ip }: Subject) => yesOrNo(ip === "192.0.2.7");

/** Every kind that can be judged, and some of which nobody can say anything. */
export const selectors: readonly Selector[] = [
  { rule: { everyone: {} }, says: () => "yes" },
  { rule: { email: { email: "ada@example.com" } }, says: isAda },
  { rule: { email_domain: { domain: "example.com" } }, says: isAda },
  { rule: { email_list: { id: "people" } }, says: isAda },
  { rule: { login_method: { id: "corp" } }, says: isAda },
  { rule: { auth_method: { auth_method: "mfa" } }, says: isAda },
  {
    rule: {
      oidc: { identity_provider_id: "corp", claim_name: "department", claim_value: "research" },
    },
    says: isAda,
  },
  { rule: { group: { id: "adas" } }, says: isAda },
  { rule: { group: { id: "robots" } }, says: isT1 },
  { rule: { ip: { ip: "192.0.2.0/24" } }, says: isInOffice },
  { rule: { ip_list: { id: "offices" } }, says: isInOffice },
  {
    rule: { geo: { country_code: "PT" } },
    says: ({ country }) => (country === undefined ? "unknown" : yesOrNo(country === "PT")),
  },
  { rule: { service_token: { token_id: "t1" } }, says: isT1 },
  {
    rule: { any_valid_service_token: {} },
    says: ({ principal }) => yesOrNo(principal.kind === "service"),
  },
  {
    rule: {
      oidc_token: {
        issuer: "https://issuer.example",
        audience: "us",
        claims: { repository: "acme/*" },
      },
    },
    says: ({ principal }) =>
      yesOrNo(
        principal.kind === "workload" && principal.workload.claims["repository"] === "acme/shop",
      ),
  },
  {
    rule: { linked_app_token: { app_uid: "portal" } },
    says: ({ principal }) =>
      yesOrNo(principal.kind === "linked" && principal.application.id === "portal"),
  },
  {
    rule: { method: { method: "GET" } },
    says: ofRequest((method) => yesOrNo(method === "GET" || method === "HEAD")),
  },
  {
    rule: { path: { path: "/reports" } },
    // Some origins take capitals for small letters.
    says: ofRequest((_method, path) =>
      path === "/REPORTS" ? "unknown" : yesOrNo(path.startsWith("/reports")),
    ),
  },
  { rule: { group: { id: "loop" } }, says: () => "unknown" },
  { rule: { group: { id: "gone" } }, says: () => "unknown" },
  { rule: { email_list: { id: "offices" } }, says: () => "unknown" },
  { rule: { device_posture: { integration_uid: "x" } }, says: () => "unknown" },
  { rule: { phase_of_the_moon: { phase: "full" } }, says: () => "unknown" },
];

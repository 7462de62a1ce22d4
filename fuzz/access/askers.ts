// Everybody who might ask, made of every constant that two files name, of its neighbours and of
// their combinations: a letter more or less of an address, the ends of a network and what lies
// beside them, each subset of what a provider may state, paths as some origin may read them.
// Nothing of the comparison itself is used here.
import type { Identity, Principal, Workload } from "../../packages/gateway/src/model/model.ts";
import type { Draws, FileSize, Written, WrittenFile } from "./files.ts";

/** Somebody who sends one request. */
export interface Asker {
  principal: Principal;
  ip: string;
  country: string | undefined;
  method: string;
  host: string;
  /** as it is sent */
  path: string;
}

/** Combinations of which each part is one of some values. */
export interface Crowd {
  principals: readonly Principal[];
  ips: readonly string[];
  countries: readonly (string | undefined)[];
  methods: readonly string[];
  urls: readonly { host: string; path: string }[];
}

/** How many askers a crowd has. */
export function sizeOf({ principals, ips, countries, methods, urls }: Crowd): number {
  return principals.length * ips.length * countries.length * methods.length * urls.length;
}

/** One of them, by number. */
export function askerAt(crowd: Crowd, place: number): Asker {
  let rest = place;
  const next = <Item>(items: readonly Item[]): Item => {
    const item = items[rest % items.length] as Item;
    rest = Math.floor(rest / items.length);
    return item;
  };
  const principal = next(crowd.principals);
  const ip = next(crowd.ips);
  const country = next(crowd.countries);
  const method = next(crowd.methods);
  return { principal, ip, country, method, ...next(crowd.urls) };
}

/** One of them at random. */
export function drawAsker(draws: Draws, crowd: Crowd): Asker {
  const { principals, ips, countries, methods, urls } = crowd;
  return {
    ...{ principal: draws.one(principals), ip: draws.one(ips), country: draws.one(countries) },
    ...{ method: draws.one(methods), ...draws.one(urls) },
  };
}

/** What rules of each kind say in two files, and nothing twice. */
class Constants {
  readonly #values = new Map<string, Set<string>>();
  readonly claims = new Map<string, Set<string>>();
  readonly workloads: Written[] = [];

  constructor(files: readonly WrittenFile[]) {
    for (const file of files) {
      this.#read(file.groups);
      this.#read(file.policies);
      this.#read(file.applications);
      for (const { type, items } of file.lists)
        for (const { value } of items) this.#add(type === "IP" ? "ip" : "email", value);
      for (const { id, self_hosted_domains } of file.applications) {
        this.#add("application", id);
        for (const domain of self_hosted_domains) this.#add("domain_pattern", domain);
      }
    }
  }

  of(kind: string): string[] {
    return [...(this.#values.get(kind) ?? [])];
  }

  #add(kind: string, value: string): void {
    this.#values.set(kind, (this.#values.get(kind) ?? new Set()).add(value));
  }

  #read(value: unknown): void {
    if (Array.isArray(value)) for (const each of value) this.#read(each);
    if (!isMap(value)) return;
    for (const [kind, inner] of Object.entries(value)) {
      this.#readRule(kind, inner as Written);
      this.#read(inner);
    }
  }

  #readRule(kind: string, value: Written): void {
    if (kind === "oidc_token") this.workloads.push(value);
    if (kind === "oidc") {
      const name = String(value["claim_name"]);
      const values = this.claims.get(name) ?? new Set();
      this.claims.set(name, values.add(String(value["claim_value"])));
    }
    const field = fields[kind];
    if (field === undefined || !isMap(value)) return;
    for (const text of [value[field]].flat()) this.#add(kind, String(text));
  }
}

function isMap(value: unknown): value is Written {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The field of each kind of rule that has its value. */
const fields: Readonly<Record<string, string>> = {
  email: "email",
  email_domain: "domain",
  auth_method: "auth_method",
  ip: "ip",
  geo: "country_code",
  linked_app_token: "app_uid",
  method: "method",
  path: "path",
  service_token: "token_id",
};

/** How many of each there are at most; of more, some stand for all. */
interface CrowdLimits {
  persons: number;
  claimSets: number;
  workloads: number;
  urls: number;
}

const limits: Readonly<Record<FileSize, CrowdLimits>> = {
  small: { persons: 50, claimSets: 12, workloads: 10, urls: 40 },
  large: { persons: 250, claimSets: 60, workloads: 40, urls: 300 },
};

/** Everybody who might ask, as far as these files can tell them apart. */
export function crowdOf(draws: Draws, files: readonly WrittenFile[], size: FileSize): Crowd {
  const most = limits[size];
  const constants = new Constants(files);
  return {
    principals: principalsOf(draws, constants, most),
    ips: ipsOf(constants.of("ip")),
    countries: countriesOf(constants.of("geo")),
    methods: methodsOf(constants.of("method")),
    urls: urlsOf(draws, constants, most),
  };
}

/** What no rule names makes no difference: one value stands for all. */
function countriesOf(named: readonly string[]): (string | undefined)[] {
  return named.length === 0 ? [undefined] : [...named, "FR", undefined];
}

function methodsOf(named: readonly string[]): string[] {
  const methods = named;
  return [...new Set([...methods, "GET", ...(named.length === 0 ? [] : ["HEAD", "PUT"])])];
}

function principalsOf(draws: Draws, constants: Constants, most: CrowdLimits): Principal[] {
  const persons = personsOf(draws, constants, most);
  const named = constants.of("linked_app_token");
  const applications = named.length === 0 ? [] : [...constants.of("application"), "gone"];
  return [
    { kind: "anonymous" },
    ...tokensOf(constants).map((tokenId) => ({ kind: "service" as const, tokenId, clientId: "" })),
    ...workloadsOf(draws, constants, most).map((workload) => ({
      kind: "workload" as const,
      workload,
    })),
    ...applications.flatMap((id) =>
      Array.from({ length: 3 }, () => ({
        kind: "linked" as const,
        application: { id, name: id },
        identity: draws.one(persons),
      })),
    ),
    ...persons.map((identity) => ({ kind: "person" as const, identity })),
  ];
}

function tokensOf(constants: Constants): string[] {
  return [...constants.of("service_token"), "t1", "t3"].filter(
    (id, place, all) => all.indexOf(id) === place,
  );
}

function personsOf(draws: Draws, constants: Constants, most: CrowdLimits): Identity[] {
  const dimensions = {
    email: emailsOf(constants),
    provider: ["corp", "partner", "third"],
    amr: subsetsOf(constants.of("auth_method")),
    claims: claimSetsOf(draws, constants.claims, most),
  };
  const { email, provider, amr, claims } = dimensions;
  const all = email.length * provider.length * amr.length * claims.length;
  const places =
    all <= most.persons
      ? [...Array(all).keys()]
      : Array.from({ length: most.persons }, () => draws.below(all));
  return places.map((place) => {
    let rest = place;
    const next = <Item>(items: readonly Item[]): Item => {
      const item = items[rest % items.length] as Item;
      rest = Math.floor(rest / items.length);
      return item;
    };
    const person = { email: next(email), idp: { id: next(provider), type: "oidc" } };
    const rests = { name: "", ip: "192.0.2.9", country: "", iat: 0 };
    return { ...person, ...rests, amr: next(amr), ...next(claims) };
  });
}

function emailsOf(constants: Constants): string[] {
  const named = constants.of("email");
  const domains = constants.of("email_domain");
  const nearNamed = named.flatMap((email) => [
    ...[email, email.toUpperCase(), `x${email}`, email.slice(1), `${email}.example`],
    ...[email.replace("@", "@sub."), email.replace(/@.*/, "@other.example")],
  ]);
  const nearDomains = domains.flatMap((domain) => [
    ...[`someone@${domain}`, `someone@x${domain}`, `someone@x.${domain}`, `someone@${domain}.x`],
    `Someone@${domain.toUpperCase()}`,
  ]);
  return [...new Set([...nearNamed, ...nearDomains, "nobody@nowhere.example"])];
}

function subsetsOf<Item>(items: readonly Item[]): Item[][] {
  return items.reduce<Item[][]>((all, item) => all.flatMap((set) => [set, [...set, item]]), [[]]);
}

/** Claims as providers state them, and the fields of an identity that hold them. */
type Claims = Pick<Identity, "oidc_fields" | "groups" | "known_claims">;

function claimSetsOf(
  draws: Draws,
  named: ReadonlyMap<string, ReadonlySet<string>>,
  most: CrowdLimits,
): Claims[] {
  if (named.size === 0) return [{ oidc_fields: {}, groups: [] }];
  const sets: Claims[] = [];
  while (sets.length < most.claimSets) {
    const fields: Record<string, unknown> = {};
    for (const [name, values] of named) {
      const value = drawClaim(draws, [...values]);
      if (value !== undefined) fields[name] = value;
    }
    const groups = draws.rarely(2) ? [] : draws.some([...(named.get("groups") ?? []), "else"]);
    const claims = { oidc_fields: nested(draws, fields), groups };
    const known = draws.some([...named.keys()].map((name) => name.split(".")[0] ?? name));
    sets.push(draws.rarely(2) ? claims : { ...claims, known_claims: known });
  }
  return sets;
}

/** As a text, a list, a number, a map, or not at all. */
function drawClaim(draws: Draws, values: readonly string[]): unknown {
  const listed = draws.some([...values, "else", `${values[0]}x`]);
  return draws.one<unknown>([
    ...[undefined, null, listed, listed, draws.one(values), draws.one(values).toUpperCase()],
    ...[{ map: true }, [...listed, { map: true }], Number(values[0]) || true],
  ]);
}

/** `realm.roles` as a map in a map, half of the time. */
function nested(draws: Draws, fields: Record<string, unknown>): Record<string, unknown> {
  const dotted = fields["realm.roles"];
  if (dotted === undefined || draws.rarely(2)) return fields;
  const { "realm.roles": _, ...others } = fields;
  return { ...others, realm: { roles: dotted } };
}

/** Programs: the issuer of the rules, each audience, and texts that its patterns may mean. */
function workloadsOf(draws: Draws, { workloads }: Constants, most: CrowdLimits): Workload[] {
  if (workloads.length === 0) return [];
  const [{ issuer } = { issuer: "" }] = workloads;
  const audiences = [...new Set(workloads.map((each) => String(each["audience"])))];
  const claims = workloads.map((each) => each["claims"] as Record<string, string | string[]>);
  const named = [...new Set(claims.flatMap((each) => Object.values(each).flat()))];
  const texts = named.flatMap((text) =>
    ["", "q", "q/r"].map((filling) => text.replaceAll(/\*+/g, filling)),
  );
  return Array.from({ length: most.workloads }, () => ({
    issuer: draws.rarely(6) ? "https://other.example" : String(issuer),
    jwksUri: undefined,
    subject: "job",
    audiences: draws.some([...audiences, "three"]),
    claims: {
      repository: draws.one([draws.one(texts), draws.some(texts)]),
      ref: draws.one<unknown>(["main", draws.one(texts), ["main", draws.one(texts)], undefined]),
    },
    expiresAt: 0,
  }));
}

/** The first and the last address of each network, and those beside them. */
function ipsOf(networks: readonly string[]): string[] {
  const ips = new Set(["192.0.2.1"]);
  if (networks.length > 0) ips.add("2001:db9::1");
  for (const network of networks) {
    const [text = "", length] = network.split("/");
    const isV4 = !text.includes(":");
    const width = isV4 ? 32n : 128n;
    const bits = BigInt(length ?? width);
    const size = 1n << (width - bits);
    const first = (numberOf(text) / size) * size;
    for (const address of [first - 1n, first, first + size / 2n, first + size - 1n, first + size])
      if (address >= 0n && address < 1n << width) ips.add(addressText(address, isV4));
  }
  return [...ips];
}

function numberOf(text: string): bigint {
  if (!text.includes(":"))
    return text.split(".").reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const [head = "", tail = ""] = text.split("::");
  const wordsOf = (part: string): bigint[] =>
    part === ""
      ? []
      : part.split(":").flatMap((word) => {
          if (!word.includes(".")) return [BigInt(`0x${word}`)];
          const value = numberOf(word);
          return [value >> 16n, value & 0xffffn];
        });
  const [start, end] = [wordsOf(head), wordsOf(tail)];
  const middle = Array.from({ length: 8 - start.length - end.length }, () => 0n);
  const words = text.includes("::") ? [...start, ...middle, ...end] : start;
  return words.reduce((sum, word) => sum * 65_536n + word, 0n);
}

/** As a socket says it: IPv4 inside IPv6 is IPv4. */
function addressText(value: bigint, isV4: boolean): string {
  if (isV4 || value >> 32n === 0xffffn)
    return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
  const words = Array.from(
    { length: 8 },
    (_, place) => (value >> BigInt(112 - 16 * place)) & 0xffffn,
  );
  return new URL(`http://[${words.map((word) => word.toString(16)).join(":")}]`).hostname.slice(
    1,
    -1,
  );
}

function urlsOf(
  draws: Draws,
  constants: Constants,
  most: CrowdLimits,
): { host: string; path: string }[] {
  const patterns = constants.of("domain_pattern").map((text) => {
    const slash = text.indexOf("/");
    return slash < 0
      ? { host: text, path: "" }
      : { host: text.slice(0, slash), path: text.slice(slash) };
  });
  const hosts = new Set(patterns.flatMap(({ host }) => hostsNear(host)));
  const named = [...patterns.map(({ path }) => path), ...constants.of("path")];
  const paths = pathsNear(draws, named);
  const all = [...hosts].flatMap((host) => paths.map((path) => ({ host, path })));
  if (all.length <= most.urls) return all;
  return Array.from({ length: most.urls }, () => draws.one(all));
}

function hostsNear(pattern: string): string[] {
  const hosts = ["", "q", "q.r"].map((filling) => pattern.replaceAll("*", filling));
  return [...hosts, `q.${pattern.replaceAll("*", "q")}`].filter((host) => !host.startsWith("."));
}

/** Paths that patterns cover, those beside them, and both as some origin may read them. */
function pathsNear(draws: Draws, patterns: readonly string[]): string[] {
  const plain = new Set(["/", "/q"]);
  for (const pattern of patterns) {
    for (const filling of ["", "q", "q/r"]) {
      const path = pattern.replaceAll("*", filling) || "/";
      plain.add(path);
      for (const ending of ["/", "/q", "q"]) plain.add(path === "/" ? `/${ending}` : path + ending);
    }
  }
  const all = [...plain].map((path) => path.replaceAll(/\/{2,}/g, "/"));
  const odd = all.flatMap((path) => [
    ...[path.toUpperCase(), path.toLowerCase(), `${path}.`, `${path};p`, `${path}/..;p/`],
    ...[path.replaceAll("/", "//"), path.replace(/\/([^/]+)$/, "%2F$1"), `${path}::$DATA`],
    ...[path.replace(/(.)$/, (letter) => letter.toUpperCase()), `${path}%20`, `/q/..;p${path}`],
  ]);
  const joined = Array.from({ length: all.length * 2 }, () => {
    const [one, other] = [draws.one(all), draws.one(all)];
    const depth = one.split("/").filter((segment) => segment !== "").length;
    const back = draws.one(["/..;p", "%2F..", "/..%2F..;p"]);
    return one.replace(/\/$/, "") + back.repeat(depth) + other;
  });
  return [...new Set([...all, ...odd, ...joined])];
}

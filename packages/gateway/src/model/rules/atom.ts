// A rule as data: what it says of whoever asks and of the request, for whoever reasons about rules
// without a person at hand: warnings, explanations, comparisons of two configurations, and the
// cache of decisions, which asks what a policy names.

/**
 * What one rule wants to hold. The matcher of the same rule says whether it does; the two are made
 * side by side, in the file of the kind.
 */
export type Atom =
  | { of: "everyone" }
  /** the address is one of these, lower-case */
  | { of: "email"; oneOf: readonly string[] }
  | { of: "email_domain"; domain: string }
  /** the client's address lies in one of these networks */
  | { of: "address"; networks: readonly string[] }
  /** ISO 3166-1 alpha-2, upper-case */
  | { of: "country"; code: string }
  | { of: "provider"; id: string }
  /** one value of `amr` */
  | { of: "amr"; value: string }
  | { of: "claim"; provider: string; name: string; value: string }
  | { of: "service_token"; id: string }
  | { of: "any_service_token" }
  | { of: "workload"; terms: WorkloadTerms }
  /** id of the application whose token it is */
  | { of: "linked_app"; id: string }
  | { of: "method"; oneOf: readonly string[] }
  | { of: "path"; patterns: readonly string[] }
  | { of: "group"; id: string }
  /** the answer is always `unknown`: the kind cannot be judged here, or its list is gone */
  | { of: "unjudged"; kind: string };

/** Whose tokens of another issuer count. */
export interface WorkloadTerms {
  issuer: string;
  audience: string;
  /** claim → pattern, or several of which one has to fit */
  claims: Readonly<Record<string, string | readonly string[]>>;
  jwks_uri?: string | undefined;
}

/** The facts of a request that a policy may name. */
export interface NamedFacts {
  address: boolean;
  country: boolean;
  method: boolean;
  path: boolean;
}

/** Nothing of the request. */
export const namesNothing: NamedFacts = {
  address: false,
  country: false,
  method: false,
  path: false,
};

/** What several rules or policies name together. */
export function namedByAny(all: readonly NamedFacts[]): NamedFacts {
  return {
    address: all.some(({ address }) => address),
    country: all.some(({ country }) => country),
    method: all.some(({ method }) => method),
    path: all.some(({ path }) => path),
  };
}

/** What one rule names of the request by itself; a group's rules are not looked into. */
export function namedBy({ of }: Atom): NamedFacts {
  switch (of) {
    case "address":
    case "country":
    case "method":
    case "path":
      return { ...namesNothing, [of]: true };
    default:
      return namesNothing;
  }
}

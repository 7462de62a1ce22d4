// Programs that prove who they are with a token of the platform they run on: GitHub Actions, GitLab
// CI, Kubernetes. The issuers of such platforms serve the whole world, and whoever asks for a token
// chooses its audience: the claims alone say whose program it is.
import { z } from "zod";
import { claimAt, isPlain } from "../claim-path.ts";
import type { Workload } from "../identity.ts";
import { choice, someText, webUrl } from "../values.ts";
import { claimPattern } from "./claim-pattern.ts";
import { defineRule, yes } from "./rule.ts";

/** As the tokens write it, character for character (RFC 8725 3.8). */
const issuer = webUrl.refine((source) => !/[?#]/.test(source), {
  message: "is not an issuer: it has a query or a fragment",
});

const longestPattern = 500;

const pattern = someText.refine((source) => source.length <= longestPattern, {
  message: `is longer than ${longestPattern} characters`,
});

const patternList = z.array(pattern).min(1, {
  message: "is an empty list, which nothing fits; write a text, or remove the claim",
});

const patterns = choice<string | string[]>((value) =>
  Array.isArray(value) ? patternList : pattern,
);

/** A rule without claims would let in whoever the issuer gives a token: half of the world. */
const claims = z
  .record(z.string().min(1), patterns)
  .refine((each) => Object.keys(each).length > 0, {
    message: "is empty; name at least one claim that says whose program it is",
  });

const schema = z
  .strictObject({
    issuer,
    audience: someText,
    claims,
    jwks_uri: webUrl.optional(),
  })
  .superRefine((value, context) => {
    const owners = ownersAt[value.issuer];
    if (owners === undefined || owners.some((name) => namesSomebody(value.claims[name]))) return;
    context.addIssue({
      code: "custom",
      path: ["claims"],
      message: `lets in everybody who has an account at ${new URL(value.issuer).host}; name one of ${owners.join(", ")}, with the owner whole before any *`,
    });
  });

/** Whose tokens count. */
export type OidcTokenRule = z.infer<typeof schema>;

/** The claims that say whose program it is, of issuers that serve everybody. */
const ownersAt: Readonly<Record<string, readonly string[]>> = {
  "https://token.actions.githubusercontent.com": [
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "sub",
  ],
  "https://gitlab.com": ["project_path", "project_id", "namespace_path", "namespace_id", "sub"],
  "https://accounts.google.com": ["email", "sub"],
};

/** `acme*` is `acme-evil` as well: an owner stands whole, and with its slash, before any `*`. */
function namesSomebody(value: string | readonly string[] | undefined): boolean {
  if (value === undefined) return false;
  return [value].flat().every((source) => {
    const [start = ""] = source.split("*", 1);
    return start === source || /[^:/]\//.test(start);
  });
}

/** Holds for a program with a token of this issuer, for this audience, with these claims. */
export const oidcToken = defineRule<OidcTokenRule>({
  name: "oidc_token",
  schema,
  about: "workloads",
  example: {
    issuer: "https://token.actions.githubusercontent.com",
    audience: "https://login.example.com",
    claims: { repository: "acme/shop", ref: "refs/heads/main" },
  },
  compile(value) {
    const holds = workloadMatcher(value);
    return ({ principal }) => yes(principal.kind === "workload" && holds(principal.workload));
  },
  atom: (terms) => ({ of: "workload", terms }),
});

/** Whether a rule holds for a program whose token has been verified. */
export function workloadMatcher({
  issuer,
  audience,
  claims,
  jwks_uri,
}: OidcTokenRule): (workload: Workload) => boolean {
  const wanted = Object.entries(claims).map(([name, value]) => {
    const each = [value].flat().map(claimPattern);
    return { name, fits: (text: string) => each.some((fits) => fits(text)) };
  });
  return (workload) => {
    if (workload.issuer !== issuer || workload.jwksUri !== jwks_uri) return false;
    if (!workload.audiences.includes(audience)) return false;
    return wanted.every(({ name, fits }) => textsOf(claimAt(workload.claims, name)).some(fits));
  };
}

const longestValue = 2_000;

/** A claim with several values holds when one of them does; maps have no text. */
function textsOf(claim: unknown): string[] {
  const values: unknown[] = Array.isArray(claim) ? claim : [claim];
  return values
    .filter(isPlain)
    .map(String)
    .filter((text) => text.length <= longestValue);
}

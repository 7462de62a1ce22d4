// What each identity provider needs to be asked for, and what its configuration is
// (docs/providers.md). The fields are those of a provider of type `oidc`.
import { type Ask, hostFault, type Question, urlFault, wordFault } from "./question.ts";

/** The fields of a provider's `config` that are its own, besides its client. */
export interface ProviderFields {
  issuer: string;
  scopes?: readonly string[];
  claims?: readonly string[];
  email_claim_name?: string;
  require_email_verified?: boolean;
}

/** An identity provider that is known by name. */
export interface Recipe {
  /** as `--provider` has it; the id of the provider, too */
  id: string;
  /** as the button on the sign-in page is named */
  name: string;
  /** where its client is registered */
  registration: string;
  /** its chapter in docs/providers.md */
  chapter: string;
  ask(ask: Ask): Promise<ProviderFields>;
}

const google: Recipe = {
  id: "google",
  name: "Google",
  registration:
    "Google Cloud console, APIs & Services, Credentials, OAuth client ID, Web application",
  chapter: "google",
  async ask() {
    return {
      issuer: "https://accounts.google.com",
      scopes: ["openid", "email", "profile"],
      require_email_verified: true,
    };
  },
};

const tenant: Question = {
  flag: "tenant",
  text: "Directory (tenant) ID",
  fault(answer) {
    if (/^(common|organizations|consumers)$/i.test(answer))
      return `${answer} lets in accounts of every organization; write the ID of yours`;
    return wordFault(answer);
  },
};

const entra: Recipe = {
  id: "entra",
  name: "Microsoft",
  registration: "Microsoft Entra admin center, App registrations, New registration, Web",
  chapter: "microsoft-entra-id",
  async ask(ask) {
    return {
      issuer: `https://login.microsoftonline.com/${await ask(tenant)}/v2.0`,
      scopes: ["openid", "email", "profile"],
      claims: ["roles"],
      email_claim_name: "preferred_username",
    };
  },
};

const okta: Recipe = {
  id: "okta",
  name: "Okta",
  registration: "Okta admin console, Applications, Create App Integration, OIDC, Web Application",
  chapter: "okta",
  async ask(ask) {
    const host = await ask({
      flag: "okta-domain",
      text: "Okta domain, such as example.okta.com",
      fault: hostFault,
    });
    return { issuer: `https://${host}`, scopes: ["openid", "email", "profile", "groups"] };
  },
};

const keycloak: Recipe = {
  id: "keycloak",
  name: "Keycloak",
  registration: "Keycloak admin console, Clients, Create client, Client authentication on",
  chapter: "keycloak",
  async ask(ask) {
    const base = await ask(baseUrl("Keycloak's address, such as https://sso.example.com"));
    const realm = await ask({ flag: "realm", text: "Realm", fault: wordFault });
    return {
      issuer: `${withoutSlash(base)}/realms/${realm}`,
      claims: ["groups", "realm_access.roles"],
    };
  },
};

const authentik: Recipe = {
  id: "authentik",
  name: "authentik",
  registration: "authentik admin interface, Applications, Create with Provider, OAuth2/OpenID",
  chapter: "authentik",
  async ask(ask) {
    const base = await ask(baseUrl("authentik's address, such as https://auth.example.com"));
    const slug = await ask({ flag: "slug", text: "Slug of the application", fault: wordFault });
    return { issuer: `${withoutSlash(base)}/application/o/${slug}/`, claims: ["groups"] };
  },
};

const other: Recipe = {
  id: "oidc",
  name: "Single sign-on",
  registration: "the provider, as a web application with a secret",
  chapter: "any-provider",
  async ask(ask) {
    return {
      issuer: await ask({
        flag: "issuer",
        text: "Issuer, as in its /.well-known/openid-configuration",
        fault: urlFault,
      }),
    };
  },
};

/** In the order in which they are offered. */
export const recipes: readonly Recipe[] = [google, entra, okta, keycloak, authentik, other];

function baseUrl(text: string): Question {
  return { flag: "provider-url", text, fault: urlFault };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

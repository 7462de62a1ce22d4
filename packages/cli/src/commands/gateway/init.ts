import type { Command } from "../command.ts";
import { helpFlag } from "../flags.ts";

/** `init` */
export const init: Command = {
  name: "init",
  summary: "write a configuration for your application and identity provider",
  usage: ["[--output postern.yaml]", "--provider NAME --client-id ID --allow WHO [FLAG ...]"],
  description:
    "Asks for the team domain, the identity provider and the first application, writes a configuration with comments, and checks the provider. Flags answer questions in advance; without a terminal, they must answer all of them.",
  flags: [
    { name: "output", value: "FILE", description: "the file to write", default: "postern.yaml" },
    { name: "team-domain", value: "HOST", description: "where people sign in" },
    {
      name: "tls-cert",
      value: "FILE",
      description: "certificate (PEM); leave out if a proxy has it",
    },
    { name: "tls-key", value: "FILE", description: "its private key" },
    {
      name: "provider",
      value: "NAME",
      choices: ["google", "entra", "okta", "keycloak", "authentik", "oidc", "pin"],
      description: "google, entra, okta, keycloak, authentik, oidc or pin",
    },
    { name: "tenant", value: "ID", description: "entra: directory (tenant) ID" },
    { name: "okta-domain", value: "HOST", description: "okta: its domain" },
    { name: "provider-url", value: "URL", description: "keycloak, authentik: its address" },
    { name: "realm", value: "NAME", description: "keycloak: the realm" },
    { name: "slug", value: "NAME", description: "authentik: slug of the application" },
    { name: "issuer", value: "URL", description: "oidc: the issuer" },
    { name: "client-id", value: "ID", description: "client ID at the provider" },
    {
      name: "client-secret-file",
      value: "FILE",
      description:
        "file with the client secret (otherwise POSTERN_CLIENT_SECRET when the gateway starts)",
    },
    { name: "smtp-server", value: "URL", description: "pin: smtps://host or smtp://host" },
    { name: "smtp-user", value: "NAME", description: "pin: user name at the mail server" },
    {
      name: "smtp-password-file",
      value: "FILE",
      description: "pin: file with the password, percent-encoded (otherwise POSTERN_SMTP_PASSWORD)",
    },
    { name: "smtp-from", value: "ADDRESS", description: "pin: sender of the codes" },
    { name: "app-domain", value: "HOST[/PATH]", description: "address of the application" },
    { name: "app-name", value: "NAME", description: "its name" },
    { name: "origin", value: "URL", description: "where it runs (default http://127.0.0.1:3000)" },
    { name: "allow", value: "WHO", description: "who may use it: an email address, or @domain" },
    { name: "offline", description: "do not check the provider" },
    helpFlag,
  ],
  example: "postern init --team-domain login.example.com",
  run: async (invocation) => (await import("./run-init.ts")).runInitCommand(invocation),
};

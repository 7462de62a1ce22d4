// The answers of `postern init` → the text of a postern.yaml with comments. Pure: files are written
// by run-init.ts.
import { parseAuthority } from "@postern/protocol/host";
import { stringify } from "yaml";
import type { Answers, ProviderAnswers, Secret, Transport } from "./interview.ts";

/** The text of the configuration. It holds no secret. */
export function configurationText(answers: Answers): string {
  const { authDomain, application, people } = answers;
  const [appHost = "", ...path] = application.domain.split("/");
  const rule = ruleFor(people);
  const rulePath = path.length === 0 ? "" : `, path: ${scalar(`/${path.join("/")}`)}`;
  return `# The configuration of a Postern gateway. Run it with:
#
#   postern gateway --config FILE
#
# Changes to this file take effect while the gateway runs. docs/configuration.md lists every field.

# Where people sign in.
auth_domain: ${scalar(authDomain)}

${transportText(answers.transport)}
# Sessions and the gateway's keys, which the secret key seals. Back up both, in separate places.
store: sqlite:./data/postern.db
secret_key_file: ./data/secret.key

organization:
  name: ${scalar(organizationName(authDomain))}
  session_duration: 24h # how long a sign-in lasts; an application may say less

${providerText(answers.provider)}
# The most specific application gets a request. Anybody whom no policy lets in is refused.
applications:
  - name: ${scalar(application.name)}
    domain: ${scalar(application.domain)}
    session_duration: 8h
    policies:
      - name: people
        decision: allow
        include: # any one of these; docs/policies.md lists all rules
          - ${rule}

# Where requests go once they are let in: the first rule that covers host and path.
ingress:
  - {hostname: ${scalar(appHost)}${rulePath}, service: ${scalar(application.origin)}}
  - {service: "http_status:404"}
`;
}

function transportText(transport: Transport): string {
  switch (transport.kind) {
    case "local":
      return `# Plain HTTP, which is enough for names below .localhost: they never leave this machine.
listen: 127.0.0.1:${transport.port}
`;
    case "tls":
      return `listen: 0.0.0.0:443
redirect_http: 0.0.0.0:80 # redirects http to https, and does nothing else
tls:
  certificates: # chosen by the requested host name; reloaded when the files change
    - {cert_file: ${scalar(transport.certFile)}, key_file: ${scalar(transport.keyFile)}}
`;
    case "proxy":
      return `# A proxy on this machine speaks TLS and passes requests on, with X-Forwarded-For, -Proto and -Host.
listen: 127.0.0.1:8600
trusted_proxies: [127.0.0.1, "::1"] # whose X-Forwarded-* are believed
`;
  }
}

function providerText(provider: ProviderAnswers): string {
  if (provider.kind === "pin") return mailText(provider);
  const { recipe, fields, clientId, secret } = provider;
  const optional = Object.entries(fields)
    .filter(([name]) => name !== "issuer")
    .map(([name, value]) => `\n      ${name}: ${inline(value)}`);
  return `# docs/providers.md#${recipe.chapter} has more about this provider.
identity_providers:
  - id: ${recipe.id}
    name: ${scalar(recipe.name)} # on the button of the sign-in page
    type: oidc
    config:
      client_id: ${scalar(clientId)}
      client_secret: ${scalar(reference(secret))}
      issuer: ${scalar(fields.issuer)}${optional.join("")}
`;
}

function mailText(provider: Extract<ProviderAnswers, { kind: "pin" }>): string {
  const { server, user, from, secret } = provider;
  const [scheme, host = ""] = server.replace(/\/$/, "").split("//");
  const credentials =
    secret === undefined ? "" : `${encodeURIComponent(user)}:${reference(secret)}@`;
  return `# The mail server that sends the codes.
smtp:
  url: ${scalar(`${scheme}//${credentials}${host}`)}
  from: ${scalar(from)}

identity_providers:
  - id: pin
    name: One-time PIN
    type: onetimepin
`;
}

/** What stands in the configuration in place of a secret. */
function reference(secret: Secret): string {
  switch (secret.kind) {
    case "typed":
      return `\${file:./${secret.file}}`;
    case "file":
      return `\${file:${secret.file}}`;
    case "environment":
      return `\${env:${secret.variable}}`;
  }
}

function ruleFor(people: string): string {
  if (people.startsWith("@")) return `email_domain: {domain: ${scalar(people.slice(1))}}`;
  return `email: {email: ${scalar(people)}}`;
}

/** `login.example.com` → `example.com`: a name to begin with. */
function organizationName(authDomain: string): string {
  const { host = authDomain } = parseAuthority(authDomain) ?? {};
  return host.split(".").slice(-2).join(".");
}

function inline(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(scalar).join(", ")}]` : String(value);
}

/** One line, quoted wherever YAML would read it as something else, also within brackets. */
function scalar(text: unknown): string {
  const plain = stringify(text, { lineWidth: 0, defaultStringType: "PLAIN" }).trimEnd();
  return plain === text && /^[\w./:@~-]+$/.test(plain) ? plain : JSON.stringify(text);
}

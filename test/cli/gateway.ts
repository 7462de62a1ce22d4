// The gateway of the session texts: a few applications, each for one kind of visitor.

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
const onlyBob = [
  { name: "bob", decision: "allow", include: [{ email: { email: "bob@example.com" } }] },
];
const anybody = [{ name: "anybody", decision: "bypass", include: [{ everyone: {} }] }];
const machines = [
  { name: "machines", decision: "non_identity", include: [{ any_valid_service_token: {} }] },
];

/**
 * Sections of postern.yaml.
 * @param service `host:port` of what `db.localhost` leads to
 */
export function sections(origin: string, service: string): Record<string, unknown> {
  return {
    organization: { name: "Example" },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    service_tokens: [
      { name: "robot", client_id: "robot.access", client_secret: "the-robots-long-secret" },
    ],
    ingress: [
      { hostname: "plain.localhost", service: "http_status:418" },
      { hostname: "db.localhost", service: `tcp://${service}` },
      { service: origin },
    ],
    applications: [
      application("app.localhost", everybody),
      application("other.localhost", everybody),
      application("bob.localhost", onlyBob),
      application("open.localhost", anybody),
      application("machines.localhost", machines),
      {
        ...application("db.localhost", [...everybody, ...machines]),
        ssh_certificates: { email_domains: ["example.com"] },
      },
      { ...application("bearer.localhost", everybody), accept_bearer: true },
    ],
  };
}

function application(domain: string, policies: unknown): Record<string, unknown> {
  return { name: domain, type: "self_hosted", domain, session_duration: "8h", policies };
}

// A gateway whose one provider is an odd one (test/support/odd-provider.ts), and a person who signs
// in there.
import type { TestContext } from "node:test";
import { freePort, startGateway, type TestGateway } from "../../../../test/support/gateway.ts";
import {
  clientSecret,
  type OddProvider,
  type OddProviderOptions,
  startOddProvider,
} from "../../../../test/support/odd-provider.ts";
import { startUpstream, type Upstream } from "../../../../test/support/upstream.ts";
import type { EventFields, EventName } from "../../src/observe/events.ts";
import { Person } from "./person.ts";

export interface ProviderFixture {
  gateway: TestGateway;
  provider: OddProvider;
  upstream: Upstream;
  app: string;
  /** a new person who presses the provider's button */
  signIn(): Promise<Person>;
  /** the events of one name, oldest first */
  events<Name extends EventName>(name: Name): EventFields[Name][];
}

export interface ProviderFixtureOptions extends OddProviderOptions {
  /** added to the provider's config; `"explicit"` states the addresses instead of the issuer */
  config?: Record<string, unknown>;
  explicit?: boolean;
  /** of the one application; default: everybody is allowed */
  policies?: unknown[];
  sections?: Record<string, unknown>;
}

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];

export async function startProviderFixture(
  context: TestContext,
  options: ProviderFixtureOptions = {},
): Promise<ProviderFixture> {
  const { config = {}, explicit = false, policies = everybody, sections = {}, ...odd } = options;
  const port = await freePort();
  const [upstream, provider] = await Promise.all([startUpstream(), startOddProvider(odd)]);
  context.after(() => Promise.all([upstream.close(), provider.close()]));
  const where = explicit ? provider.urls : { issuer: provider.origin };
  const client = { client_id: "postern", client_secret: clientSecret };
  const gateway = await startGateway({
    port,
    // Here nobody's terminal waits for an approval.
    relay: { settlingMs: 20 },
    sections: {
      identity_providers: [
        { id: "corp", name: "Odd", type: "oidc", config: { ...client, ...where, ...config } },
      ],
      ingress: [{ service: upstream.origin }],
      applications: [{ name: "App", domain: "app.localhost", policies }],
      ...sections,
    },
  });
  context.after(() => gateway.close());
  const app = gateway.origin("app.localhost");
  return {
    gateway,
    provider,
    upstream,
    app,
    async signIn() {
      const person = new Person();
      await person.open(`${app}/x`);
      await person.press("Odd");
      return person;
    },
    events: (name) =>
      gateway.events.filter(({ event }) => event === name) as unknown as EventFields[typeof name][],
  };
}

/** Whether the person got to the application, and not to a page of the gateway. */
export function isIn(person: Person, { app }: ProviderFixture): boolean {
  return person.page.status === 200 && person.page.url === `${app}/x`;
}

// A store with a catalog on it: a configuration with one object of each kind, objects as the API
// would leave them, and a record of what was written.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { createCatalogSource } from "../../src/catalog/catalog-source.ts";
import type { ChangingCatalogSource } from "../../src/catalog/changing-catalog.ts";
import type { Config } from "../../src/config/load-config.ts";
import type { Application } from "../../src/model/model.ts";
import { createSecretBox } from "../../src/secrets/secret-box.ts";
import { openStore } from "../../src/storage/open-store.ts";
import type { Store, StoredObject } from "../../src/storage/store.ts";
import { load, type Sections } from "../config/written-file.ts";

export const time = Date.UTC(2026, 10, 25);
export const clientSecret = "Hunter2-Xyzzy";

export interface Room {
  store: Store;
  clock: { now: number };
  /** every change that was written, as `put application x`, `remove group y` */
  written: string[];
  /** a gateway on this store; another secret key is another installation's */
  start(config: Config, secretKey?: Buffer): ReturnType<typeof createCatalogSource>;
}

export async function openRoom(context: TestContext, place = ":memory:"): Promise<Room> {
  const clock = { now: time };
  const now = () => clock.now;
  const store = await openStore(place, randomBytes);
  context.after(() => store.close());
  const written: string[] = [];
  const recording: Store = {
    ...store,
    objects: {
      ...store.objects,
      change(put, remove, ...rest) {
        written.push(
          ...put.map(({ kind, name }) => `put ${kind} ${name}`),
          ...remove.map(({ kind, id }) => `remove ${kind} ${id}`),
        );
        return store.objects.change(put, remove, ...rest);
      },
    },
  };
  const own = randomBytes(32);
  const start = (config: Config, secretKey = own) =>
    createCatalogSource({
      store: recording,
      secretBox: createSecretBox(secretKey, randomBytes),
      config,
      now,
      randomBytes,
    });
  return { store, clock, written, start };
}

/**
 * Another process puts objects into the store, and the feed tells this one, which takes what it
 * can.
 */
export async function putElsewhere(
  { store }: Room,
  source: Pick<ChangingCatalogSource, "refresh">,
  objects: StoredObject[],
): Promise<void> {
  await store.objects.change(objects, []);
  await source.refresh(objects).catch(() => undefined);
}

export const people = {
  name: "people",
  decision: "allow",
  include: [{ email_domain: { domain: "example.com" } }],
};
export const orders = {
  id: "orders",
  name: "Orders",
  domain: "orders.localhost",
  policies: [people],
};
export const wiki = {
  id: "wiki",
  name: "Wiki",
  domain: "*.wiki.localhost/docs",
  policies: ["machines"],
};

/** One object of each kind. */
export function configWith(sections: Sections = {}): Config {
  const config = {
    client_id: "postern",
    client_secret: clientSecret,
    issuer: "https://idp.example.com",
  };
  return load({
    organization: { name: "Example", login_design: { header_text: "Hello" } },
    identity_providers: [{ id: "corp", name: "SSO", type: "oidc", config }],
    groups: [
      { id: "staff", name: "Staff", include: [{ email_domain: { domain: "example.com" } }] },
    ],
    service_tokens: [
      {
        id: "robot",
        name: "Robot",
        client_id: "robot.access",
        client_secret: "x",
        expires_at: "2027-01-31T00:00:00Z",
      },
    ],
    policies: [
      {
        id: "machines",
        name: "Machines",
        decision: "non_identity",
        include: [{ any_valid_service_token: {} }],
      },
    ],
    applications: [orders, wiki],
    ...sections,
  }).config;
}

export function fromApi(
  kind: StoredObject["kind"],
  id: string,
  body: object,
  aud: string | null = null,
): StoredObject {
  return {
    kind,
    id,
    name: `${id} of the API`,
    aud,
    managed_by: "api",
    body: JSON.stringify(body),
    created_at: time,
    updated_at: time,
  };
}

/** An application as the API would store it. */
export function applicationFromApi(
  id: string,
  domain: string,
  more: object = {},
  aud = "b".repeat(64),
): StoredObject {
  const {
    id: _id,
    name: _name,
    aud: _aud,
    ...body
  } = load({ applications: [{ ...orders, domain }] }).config.applications[0] ?? assert.fail();
  return fromApi("application", id, { ...body, ...more }, aud);
}

/** What a catalog says, without the functions that are made anew each time. */
export function contentOf(catalog: Catalog): unknown {
  const { patterns, hosts: _hosts, applications, applicationByAud, ingress, ...rest } = catalog;
  return {
    ...rest,
    applications: applications.map(withoutMatchers),
    applicationByAud: [...applicationByAud].map(([aud, each]) => [aud, withoutMatchers(each)]),
    patterns: patterns.map(({ pattern, application }) => [pattern.text, application.id]),
    ingress: ingress.rules.map(({ coversHost: _host, coversPath: _path, ...rule }) => rule),
  };
}

function withoutMatchers(application: Application): unknown {
  const policies = application.policies.map(
    ({ matches: _matches, rules: _rules, ...policy }) => policy,
  );
  return { ...application, policies };
}

export function clientSecretIn(catalog: Catalog, provider: string): unknown {
  const config = catalog.identityProviders.get(provider)?.config;
  return config !== undefined && "client_secret" in config ? config.client_secret : undefined;
}

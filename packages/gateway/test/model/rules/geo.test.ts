// Countries, by a real database that changes while the gateway runs.
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type CountriesByNetwork, databaseOf } from "../../../../../test/support/mmdb.ts";
import { until } from "../../../../../test/support/until.ts";
import { readDatabase } from "../../../src/geoip/country-file.ts";
import { ada, application, startAccessFixture } from "../../access/access-fixture.ts";

const portugal = {
  name: "Portugal",
  decision: "allow",
  include: [{ geo: { country_code: "pt" } }],
};
const notRussia = {
  name: "elsewhere",
  decision: "allow",
  include: [{ everyone: {} }],
  exclude: [{ geo: { country_code: "RU" } }],
};
const from = (address: string) => `X-Forwarded-For: ${address}`;

function databaseFile(context: TestContext, countries: CountriesByNetwork | undefined) {
  const folder = mkdtempSync(join(tmpdir(), "postern-countries-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "countries.mmdb");
  const replace = (content: Buffer | string) => {
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  };
  if (countries !== undefined) replace(databaseOf(countries));
  return { file, replace };
}

const sectionsWith = (geoip_file: string) => ({ geoip_file, trusted_proxies: ["127.0.0.1"] });

test("a person is let in from one country and from no other, at each request", async (context) => {
  const { file } = databaseFile(context, { "192.0.2.0/24": "PT", "198.51.100.0/24": "ES" });
  const applications = [application("app", [portugal])];
  const access = await startAccessFixture(context, applications, sectionsWith(file));
  const token = `Cf-Access-Token: ${await access.token("app", ada)}`;
  await access.passed("/", [token, from("192.0.2.7")]);
  await access.refused(403, "/", [token, from("198.51.100.7")]);
  await access.refused(403, "/", [token, from("203.0.113.7")]);
  await access.passed("/", [token, from("192.0.2.8")]);
});

test("from a country that no policy lets in nobody is asked to sign in", async (context) => {
  const { file } = databaseFile(context, { "192.0.2.0/24": "PT", "198.51.100.0/24": "ES" });
  const applications = [application("app", [portugal])];
  const access = await startAccessFixture(context, applications, sectionsWith(file));
  await access.refused(302, "/", [from("192.0.2.7")]);
  await access.refused(403, "/", [from("198.51.100.7")]);
});

test("a changed database is in force without a restart, for sessions that were let in before as well", async (context) => {
  const { file, replace } = databaseFile(context, { "192.0.2.0/24": "PT" });
  const applications = [application("app", [portugal])];
  const access = await startAccessFixture(context, applications, sectionsWith(file));
  const lines = [`Cf-Access-Token: ${await access.token("app", ada)}`, from("192.0.2.7")];
  await access.passed("/", lines);

  replace(databaseOf({ "192.0.2.0/24": "ES" }));
  const { catalogs } = access.fixture.parts;
  await until(() => catalogs.current().countries.of("192.0.2.7") === "ES");
  await access.refused(403, "/", lines);

  replace("half of a file");
  const isRefused = () => access.fixture.events.some(({ event }) => event === "countries_refused");
  await until(isRefused);
  assert.equal(catalogs.current().countries.of("192.0.2.7"), "ES");
});

test("without a database nobody is let in by a country, nor past the exclusion of one", async (context) => {
  const applications = [application("app", [portugal]), application("other", [notRussia])];
  const access = await startAccessFixture(context, applications, {
    trusted_proxies: ["127.0.0.1"],
  });
  const app = [`Cf-Access-Token: ${await access.token("app", ada)}`, from("192.0.2.7")];
  const other = [`Cf-Access-Token: ${await access.token("other", ada)}`, from("192.0.2.7")];
  await access.refused(403, "/", app);
  await access.refused(403, "/", other, { host: "other.localhost" });
});

test("a file that is missing at the start is complained of, and used as soon as it is there", async (context) => {
  const { file, replace } = databaseFile(context, undefined);
  const applications = [application("app", [portugal])];
  const access = await startAccessFixture(context, applications, sectionsWith(file));
  const lines = [`Cf-Access-Token: ${await access.token("app", ada)}`, from("192.0.2.7")];
  assert.ok(access.fixture.events.some(({ event }) => event === "countries_refused"));
  await access.refused(403, "/", lines);
  replace(databaseOf({ "192.0.2.0/24": "PT" }));
  await until(() => access.fixture.parts.catalogs.current().countries.of("192.0.2.7") === "PT");
  await access.passed("/", lines);
});

test("whoever signs in has the country of that address in the token and in get-identity", async (context) => {
  const { file } = databaseFile(context, { "127.0.0.0/8": "NL" });
  const applications = [application("app", [notRussia])];
  const access = await startAccessFixture(context, applications, { geoip_file: file });
  const { fixture } = access;
  const person = await fixture.signIn(fixture.app("app"));
  await person.open(`${fixture.app("app")}/`);
  const [seen] = fixture.upstream.requests.splice(0);
  const assertion = seen?.header("cf-access-jwt-assertion") ?? "";
  const claims = JSON.parse(Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString());
  assert.equal(claims.country, "NL");
  const identity = await person.open(`${fixture.app("app")}/cdn-cgi/access/get-identity`);
  assert.match(JSON.stringify(identity), /"country\\*":\\*"NL/);
});

test("an IPv6 address is not looked up in a database of IPv4 ones, nor taken for one", () => {
  const ipv4 = readDatabase(databaseOf({ "32.0.0.0/8": "PT" }, { ipVersion: 4 })).countries;
  assert.equal(ipv4.of("32.1.2.3"), "PT");
  assert.equal(ipv4.of("2001:db8::1"), undefined);
  const both = readDatabase(databaseOf({ "32.0.0.0/8": "PT", "2001:db8::/32": "FR" })).countries;
  assert.equal(both.of("32.1.2.3"), "PT");
  assert.equal(both.of("2001:db8::1"), "FR");
  assert.equal(both.of("2001:db9::1"), undefined);
});

test("a database that says something else than a country says nothing", () => {
  const { countries } = readDatabase(databaseOf({ "192.0.2.0/24": "Portugal" }));
  assert.equal(countries.of("192.0.2.7"), undefined);
  const damaged = databaseOf({ "192.0.2.0/24": "PT" });
  damaged.fill(0xff, damaged.indexOf("country") - 2, damaged.indexOf("iso_code"));
  assert.equal(readDatabase(damaged).countries.of("192.0.2.7"), undefined);
  assert.throws(() => readDatabase(Buffer.from("no database")));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { principalOf } from "../../src/ssh/principal.ts";

const domains = ["example.com", "example.org"];

test("the account is the part of the email before the @, in lower case", () => {
  for (const [email, principal] of [
    ["ada@example.com", "ada"],
    ["Ada.Lovelace@example.org", "ada.lovelace"],
    ["a_b-c.d@EXAMPLE.com", "a_b-c.d"],
    ["3po@example.com", "3po"],
    [`${"a".repeat(32)}@example.com`, "a".repeat(32)],
    ["rooty@example.com", "rooty"],
  ] as const) {
    const reading = principalOf(email, domains);
    assert.equal(reading.ok ? reading.principal : undefined, principal, email);
  }
});

test("an email of a domain that is not mapped names no account", () => {
  for (const email of [
    "ada@example.net",
    "ada@mail.example.com",
    "ada@notexample.com",
    "ada@example.com.evil.test",
    "ada@example.com@evil.test",
    "ada@",
    "ada",
    "@example.com",
    "",
    "ada@example.com ",
    "ada@exаmple.com",
  ])
    assert.deepEqual(principalOf(email, domains), { ok: false, fault: "unmapped_domain" }, email);
  assert.equal(principalOf("ada@example.com", []).ok, false);
});

test("what is no plain account name is refused and never mended", () => {
  for (const local of [
    "ada+root",
    "ada+",
    "-oproxycommand",
    "-ada",
    ".ada",
    "..",
    "_apt",
    "1000",
    "0",
    "1.5",
    "a/b",
    "a'b",
    "a$b",
    "a&b",
    "a*",
    "a!b",
    "a`b`",
    "a{b}",
    "a~b",
    "#ada",
    "%u",
    "=ada",
    "a".repeat(33),
  ]) {
    const reading = principalOf(`${local}@example.com`, domains);
    assert.deepEqual(reading, { ok: false, fault: "not_an_account_name" }, local);
  }
  for (const local of ["adа", "ädä", "\u212aelvin", "a b", "a\tb", "a\nroot", "a\u0000b", "a,root"])
    assert.equal(principalOf(`${local}@example.com`, domains).ok, false, local);
});

test("an account that belongs to the system or to a service is nobody's", () => {
  for (const name of [
    "root",
    "ROOT",
    "daemon",
    "bin",
    "nobody",
    "sshd",
    "systemd",
    "systemd-network",
    "systemd-anything",
    "www-data",
    "postgres",
    "git",
    "admin",
    "ubuntu",
    "ec2-user",
    "debian",
    "docker",
    "vagrant",
    "jenkins",
    "ansible",
    "mysql",
    "operator",
    "backup",
  ]) {
    const reading = principalOf(`${name}@example.com`, domains);
    assert.deepEqual(reading, { ok: false, fault: "system_account" }, name);
  }
});

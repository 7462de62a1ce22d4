// `access ssh-gen` at a gateway that answers with something else than what was asked for: nothing
// of it is stored, and what is stored stays.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { json, startPeer } from "../support/peer.ts";
import { machine } from "../support/terminal.ts";

test(
  "a certificate for another key, another account or nobody is not stored",
  needs("ssh-keygen"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const url = peer.origin("app");
    assert.equal((await person.run(["access", "login", url])).status, 0);
    const folder = join(person.directory, "ca");
    mkdirSync(folder);
    const keygen = (...args: string[]) =>
      execFileSync("ssh-keygen", ["-q", ...args], { cwd: folder });
    for (const name of ["ca", "other"])
      keygen("-t", "ecdsa", "-b", "256", "-N", "", "-C", "", "-f", name);
    const certify = (key: string, account: string) => {
      writeFileSync(join(folder, "asked.pub"), key);
      keygen("-s", "ca", "-I", "id", "-V", "-1m:+5m", "-n", account, "asked.pub");
      return readFileSync(join(folder, "asked-cert.pub"), "utf8");
    };
    let answer = (key: string): unknown => ({ certificate: certify(key, "ada") });
    peer.answer = (seen, response) => {
      if (seen.url !== "/cdn-cgi/access/cert_sign") return false;
      json(response, 200, answer((JSON.parse(seen.body) as { public_key: string }).public_key));
      return true;
    };
    const host = new URL(url).host;
    const path = join(person.home, "ssh", "default", `${encodeURIComponent(host)}-key-cert.pub`);

    const others = readFileSync(join(folder, "other.pub"), "utf8");
    for (const [wrong, status, says] of [
      [() => ({ certificate: certify(others, "ada") }), 5, /it is for another key/],
      [(key: string) => ({ certificate: certify(key, "root") }), 5, /it is for another account/],
      [(key: string) => ({ certificate: key }), 5, /no certificate for such a key/],
      [() => ({ certificate: "\x1b[2J" }), 5, /no certificate for such a key/],
      [() => ({ certificate: 7 }), 1, /no SSH certificate for/],
      [() => [], 1, /no SSH certificate for/],
    ] as const) {
      answer = wrong;
      const refused = await person.run(["access", "ssh-gen", "--hostname", url]);
      assert.deepEqual([refused.status, refused.stdout], [status, ""], refused.stderr);
      assert.match(refused.stderr, says);
      assert.ok(!existsSync(path));
    }

    answer = (key) => ({ certificate: certify(key, "ada") });
    assert.equal((await person.run(["access", "ssh-gen", "--hostname", url])).status, 0);
    assert.ok(existsSync(path));
  },
);

// The admin API as an operator has it on another address than loopback: over TLS, with the
// certificates of now, on a gateway of one process and on one with workers.
import assert from "node:assert/strict";
import { copyFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runPostern } from "../support/cli.ts";
import { freePort } from "../support/gateway.ts";
import { needs } from "../support/requirements.ts";
import { noteSecrets } from "../support/run-secrets.ts";
import { certificateFor, type TestCertificate } from "../support/tls.ts";
import { anOperator, ask, askUntil, openTo, said, teamHost } from "./gateway-process-fixture.ts";

const adminHost = "admin.example.test";

for (const workers of [1, 2])
  test(
    `with ${workers === 1 ? "one process" : "workers"}, administrators are served over TLS, by a renewed certificate without a restart`,
    needs("openssl"),
    async (context) => {
      const adminPort = await freePort();
      const operator = await anOperator(context, openTo("http_status:204"));
      const pair = {
        cert_file: join(operator.folder, "site.pem"),
        key_file: join(operator.folder, "site.key"),
      };
      const put = ({ cert_file, key_file }: TestCertificate) => {
        copyFileSync(key_file, `${pair.key_file}.new`);
        copyFileSync(cert_file, `${pair.cert_file}.new`);
        renameSync(`${pair.key_file}.new`, pair.key_file);
        renameSync(`${pair.cert_file}.new`, pair.cert_file);
      };
      const names = [teamHost, adminHost];
      const before = certificateFor(context, names);
      put(before);
      operator.write({
        tls: { certificates: [pair] },
        admin: { listen: `0.0.0.0:${adminPort}` },
        workers,
      });
      const running = await operator.start();
      const made = await runPostern(
        ["admin-token", "create", "ci", "--permission", "all", "--config", operator.file],
        {},
      );
      assert.equal(made.status, 0, made.stderr);
      const secret = /postern_admin_\w+/.exec(made.stdout)?.[0] ?? assert.fail(made.stdout);
      noteSecrets(secret);
      const send = (method: string, path: string, ca: string) =>
        ask({
          ...{ port: adminPort, ca, servername: adminHost, path, method },
          headers: { host: `${adminHost}:${adminPort}`, authorization: `Bearer ${secret}` },
        });
      const get = (path: string, ca: string) => send("GET", path, ca);
      const accounts = await get("/client/v4/accounts", before.ca);
      assert.equal(accounts.status, 200, accounts.text);
      const { id } = JSON.parse(accounts.text).result[0];
      const apps = await get(`/client/v4/accounts/${id}/access/apps`, before.ca);
      assert.equal(JSON.parse(apps.text).result.length, 1);
      const diff = await send("POST", `/client/v4/accounts/${id}/access/decisions/diff`, before.ca);
      assert.equal(diff.status, 200, diff.text);
      assert.deepEqual(
        JSON.parse(diff.text).result.changes,
        [],
        "the thread that compares is there",
      );

      const after = certificateFor(context, names);
      put(after);
      await said(running, "the certificates were reloaded");
      const renewed = await askUntil(
        () => get("/client/v4/accounts", after.ca).catch(() => undefined),
        (answer) => answer !== undefined,
      );
      assert.equal(renewed?.status, 200);
      await assert.rejects(get("/client/v4/accounts", before.ca), "the old one is gone");
      const plain = ask({ port: adminPort, path: "/client/v4/accounts" });
      await assert.rejects(plain, "nothing is answered in clear");
    },
  );

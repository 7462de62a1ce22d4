// docs/recipes/kubectl.md: kubectl itself, with this program as its credential plugin, at a gateway
// over TLS in front of what answers like an API server.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bin } from "../../packages/cli/test/support/terminal.ts";
import { simpleSections } from "../support/gateway.ts";
import { needs } from "../support/requirements.ts";
import { signedInMachine } from "../support/signed-in-machine.ts";
import { certificateFor } from "../support/tls.ts";
import { startUpstream } from "../support/upstream.ts";
import { runUntilEnd } from "./run-until-end.ts";

const versions = { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web-1", namespace: "default" } };

/** Just enough of an API server for `get --raw`. */
const answers: Readonly<Record<string, unknown>> = {
  "/api": versions,
  "/api/v1/namespaces/default/pods/web-1": pod,
};

test(
  "kubectl gets its credential from the terminal's session, and asks nobody without one",
  needs("kubectl", "openssl"),
  async (context) => {
    const upstream = await startUpstream();
    context.after(() => upstream.close());
    upstream.answerWith((request, response) => {
      const body = answers[request.url?.split("?")[0] ?? ""];
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(body ?? { kind: "Status", status: "Failure", code: 404 }));
    });
    // kubectl has a resolver of its own, which knows no names below it.
    const host = "localhost";
    const certificate = certificateFor(context, [host, "login.localhost"]);
    const sections = simpleSections(upstream.origin, [host]);
    const [application] = sections["applications"] as Record<string, unknown>[];
    const { person, gateway } = await signedInMachine(context, {
      sections: { ...sections, applications: [{ ...application, accept_bearer: true }] },
      tls: [certificate],
    });
    const config = join(person.directory, "kubeconfig");
    const kubectl = (variables: Record<string, string> = {}) =>
      runUntilEnd("kubectl", ["get", "--raw", "/api/v1/namespaces/default/pods/web-1"], {
        cwd: person.directory,
        env: { ...person.environment, KUBECONFIG: config, ...variables },
      });
    const exec = {
      // Every kubectl since 1.12 knows this one; v1 came with 1.22.
      apiVersion: "client.authentication.k8s.io/v1beta1",
      command: process.execPath,
      args: [bin, "access", "token", "--format", "exec-credential", gateway.origin(host)],
      env: [{ name: "POSTERN_CA_FILE", value: certificate.ca_file }],
      interactiveMode: "IfAvailable",
    };
    const server = gateway.origin(host);
    const cluster = { server, "certificate-authority": certificate.ca_file };
    const settings = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "app",
      clusters: [{ name: "app", cluster }],
      users: [{ name: "me", user: { exec } }],
      contexts: [{ name: "app", context: { cluster: "app", user: "me" } }],
    };
    writeFileSync(config, JSON.stringify(settings));
    const { status, stdout, stderr } = await kubectl();
    assert.equal(status, 0, stderr);
    assert.equal(JSON.parse(stdout).metadata.name, "web-1");
    const [seen] = upstream.requests;
    assert.equal(seen?.header("authorization"), undefined, "the API server does not get the token");
    assert.ok(seen?.header("cf-access-jwt-assertion") !== undefined);

    const before = upstream.requests.length;
    const stranger = await kubectl({ POSTERN_HOME: join(person.directory, "nobody") });
    assert.notEqual(stranger.status, 0);
    assert.match(stranger.stderr, /sign in with: postern access login/);
    assert.equal(upstream.requests.length, before);
    assert.deepEqual(person.opened(), []);
  },
);

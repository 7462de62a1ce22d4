// `postern access tcp` and `ssh-gen` as they are used from elsewhere: over TLS of an authority of
// one's own, and through the proxy that the environment names.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startProxy } from "../../packages/cli/test/support/proxy.ts";
import { machine } from "../../packages/cli/test/support/terminal.ts";
import { machines } from "../../packages/gateway/test/access/access-fixture.ts";
import { startGateway } from "../support/gateway.ts";
import { needs } from "../support/requirements.ts";
import { startTcpService } from "../support/tcp-service.ts";
import { certificateFor } from "../support/tls.ts";

test(
  "a stream goes through the proxy of the environment, and trusts who --ca-file names",
  needs("openssl"),
  async (context) => {
    const service = await startTcpService(context);
    const files = certificateFor(context, ["login.example.test", "db.example.test"]);
    const secret = "the-robots-long-secret";
    const gateway = await startGateway({
      teamHost: "login.example.test",
      tls: [files],
      sections: {
        organization: { name: "Test" },
        identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
        applications: [{ name: "db", domain: "db.example.test", policies: [machines] }],
        service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: secret }],
        ingress: [{ service: `tcp://${service.address}` }],
      },
    });
    context.after(() => gateway.close());
    const proxy = await startProxy(context, gateway.port);
    const person = machine(context);
    const environment = {
      HTTPS_PROXY: proxy.url,
      POSTERN_SERVICE_TOKEN_ID: "robot.access",
      POSTERN_SERVICE_TOKEN_SECRET: secret,
    };
    const url = gateway.origin("db.example.test");
    const args = ["access", "tcp", "--hostname", url];

    const trusted = await person.run([...args, "--ca-file", files.ca_file], environment, "hello");
    assert.deepEqual([trusted.status, trusted.stdout], [0, "hello"], trusted.stderr);
    assert.ok(proxy.tunnels.includes(new URL(url).host), proxy.tunnels.join());
    assert.deepEqual(proxy.readable, []);

    const distrusted = await person.run(args, environment, "hello");
    assert.deepEqual([distrusted.status, distrusted.stdout], [5, ""]);
    assert.match(distrusted.stderr, /is not trusted/);

    proxy.refusal = 403;
    const refused = await person.run([...args, "--ca-file", files.ca_file], environment, "hello");
    assert.deepEqual([refused.status, refused.stdout], [5, ""]);
    assert.match(refused.stderr, /the proxy http:\/\/127\.0\.0\.1:\d+ refused to open a tunnel/);
    assert.equal(service.sockets.length, 1);
  },
);

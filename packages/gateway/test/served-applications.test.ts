// What the gateway lists at its start.
import assert from "node:assert/strict";
import { test } from "node:test";
import { simpleSections, startGateway } from "../../../test/support/gateway.ts";
import { servedApplications } from "../src/served-applications.ts";

test("applications are listed with the address that people see, their AUD and their origin", async (context) => {
  const origin = "http://127.0.0.1:3000";
  const gateway = await startGateway({
    sections: simpleSections(origin, ["a.localhost", "b.localhost"]),
  });
  context.after(() => gateway.close());
  const { applications, more } = servedApplications(gateway.parts.catalogs.current());
  assert.equal(more, undefined);
  for (const [nth, host] of ["a.localhost", "b.localhost"].entries()) {
    assert.equal(applications[nth]?.url, gateway.origin(host));
    assert.equal(applications[nth]?.origin, origin);
    assert.match(applications[nth]?.aud ?? "", /^[0-9a-f]{64}$/);
  }
});

// A configuration is in force only when nobody is writing it, nor a file that it names: half of a
// secret is a secret as well.
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { readFileUpdate } from "../../src/config/config-file.ts";
import { nothingKnown } from "../../src/config/config-update.ts";

const before = "the old secret";
const whole = "the new secret, all of it";
const half = whole.slice(0, 7);

/** Where the named file lies, and how it is changed; `rest` is called while it is read. */
interface Way {
  begin(path: string): void;
  rest(path: string): void;
}

const ways: Record<string, Way> = {
  "written in two pieces": {
    begin: (path) => writeFileSync(path, half),
    rest: (path) => appendFileSync(path, whole.slice(half.length)),
  },
  "cut, and filled later": {
    begin: (path) => truncateSync(path),
    rest: (path) => writeFileSync(path, whole),
  },
  "removed, and written anew": {
    begin: (path) => rmSync(path),
    rest: (path) => writeFileSync(path, whole),
  },
  "replaced by a rename": {
    begin: (path) => writeFileSync(`${path}~`, whole),
    rest: (path) => renameSync(`${path}~`, path),
  },
  "a link that is switched, as Kubernetes does": {
    begin(path) {
      rmSync(path);
      mkdirSync(`${path}.1`);
      mkdirSync(`${path}.2`);
      writeFileSync(join(`${path}.1`, "data"), before);
      writeFileSync(join(`${path}.2`, "data"), whole);
      symlinkSync(`${path}.1`, `${path}..data`);
      symlinkSync(join(`${path}..data`, "data"), path);
    },
    rest(path) {
      symlinkSync(`${path}.2`, `${path}..new`);
      renameSync(`${path}..new`, `${path}..data`);
    },
  },
};

function aFile(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "postern-settled-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "postern.yaml");
  const named = join(folder, "secret");
  writeFileSync(named, before);
  writeFileSync(
    file,
    `auth_domain: login.localhost
listen: 127.0.0.1:0
public_ports: [80]
ingress: [{service: "http_status:204"}]
service_tokens: [{name: deploy, client_id: deploy, client_secret: "\${file:secret}"}]
`,
  );
  return { file, named };
}

// Together: each waits for seconds, and does nothing meanwhile.
describe("a file that the configuration names", { concurrency: true }, () => {
  for (const [way, { begin, rest }] of Object.entries(ways))
    test(`a file that the configuration names is taken whole when it is ${way}`, async (context) => {
      const { file, named } = aFile(context);
      const read = () => readFileUpdate({ file, environment: {} }, nothingKnown);

      begin(named);
      const reading = read();
      await pause(300);
      rest(named);
      const { objects } = await reading;

      writeFileSync(named, whole);
      assert.deepEqual(objects, (await read()).objects);
      writeFileSync(named, before);
      assert.notDeepEqual(objects, (await read()).objects);
    });
});

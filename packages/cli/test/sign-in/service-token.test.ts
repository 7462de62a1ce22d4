// Where a service token comes from: flags before variables, and never half of it from each of two
// places.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readCommandLine } from "../../src/commands/command-line.ts";
import { machineFlagsWithAliases } from "../../src/commands/flags.ts";
import { CliError } from "../../src/exit-status.ts";
import { withoutMachineCredentials } from "../../src/sign-in/machine-credential.ts";
import { readServiceToken } from "../../src/sign-in/service-token.ts";
import { surroundings } from "../support/context.ts";

const read = (environment: NodeJS.ProcessEnv, ...args: string[]) =>
  readServiceToken({ environment, tell: () => {} }, readCommandLine(args, machineFlagsWithAliases));
const usage = (error: unknown) => error instanceof CliError && error.code === "usage";

test("flags, our variables and the official client's are read in this order", (context) => {
  const file = join(surroundings(context).home, "..", "secret");
  writeFileSync(file, "from-file\n");
  const tunnel = {
    TUNNEL_SERVICE_TOKEN_ID: "tunnel",
    TUNNEL_SERVICE_TOKEN_SECRET: "tunnel-secret",
  };
  const ours = {
    ...tunnel,
    POSTERN_SERVICE_TOKEN_ID: "ours",
    POSTERN_SERVICE_TOKEN_SECRET: "ours-secret",
  };
  assert.equal(read({}), undefined);
  assert.equal(read({ TUNNEL_SERVICE_TOKEN_ID: "", POSTERN_SERVICE_TOKEN_SECRET: "" }), undefined);
  assert.deepEqual(read(tunnel), { id: "tunnel", secret: "tunnel-secret" });
  assert.deepEqual(read(ours), { id: "ours", secret: "ours-secret" });
  assert.deepEqual(
    read({ POSTERN_SERVICE_TOKEN_ID: "ours", POSTERN_SERVICE_TOKEN_SECRET_FILE: file }),
    {
      id: "ours",
      secret: "from-file",
    },
  );
  assert.deepEqual(read(ours, "--service-token-id", "flag", "--service-token-secret-file", file), {
    id: "flag",
    secret: "from-file",
  });
  assert.deepEqual(read(ours, "--id=flag", "--secret=argument"), {
    id: "flag",
    secret: "argument",
  });
});

test("where no variable of ours is set, none of another name is read", () => {
  assert.equal(
    read({ undefined_ID: "x", undefined_SECRET: "y", _ID: "x", _SECRET: "y" }),
    undefined,
  );
});

test("half of a token is an error, and the other half is not looked for elsewhere", () => {
  assert.throws(
    () => read({ POSTERN_SERVICE_TOKEN_ID: "ours", TUNNEL_SERVICE_TOKEN_SECRET: "tunnel-secret" }),
    usage,
  );
  assert.throws(() => read({ POSTERN_SERVICE_TOKEN_SECRET: "s" }), usage);
  assert.throws(() => read({}, "--service-token-id", "x"), usage);
  assert.throws(() => read({}, "--service-token-secret-file", "/nowhere"), usage);
});

test("what could break out of a header line is refused, and not repeated", (context) => {
  const file = join(surroundings(context).home, "..", "secret");
  for (const secret of ["two words", "line\nX-Evil: 1", "ümlaut", ""]) {
    writeFileSync(file, secret);
    assert.throws(
      () => read({}, "--id", "x", "--service-token-secret-file", file),
      (error: unknown) => usage(error) && (secret === "" || !String(error).includes(secret)),
      JSON.stringify(secret),
    );
  }
});

test("a tool does not inherit what was for us", () => {
  const environment = {
    HOME: "/h",
    POSTERN_SERVICE_TOKEN_SECRET: "a",
    POSTERN_SERVICE_TOKEN_SECRET_FILE: "b",
    TUNNEL_SERVICE_TOKEN_ID: "c",
  };
  assert.deepEqual(withoutMachineCredentials(environment), { HOME: "/h" });
});

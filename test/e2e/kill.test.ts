// `kill -9` of the gateway between any two steps of a login: what a person was told has happened is
// still so after the restart, and what was ended stays ended.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { request } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { type Running, runPostern, startPostern, temporaryHome } from "../support/cli.ts";
import { freePort } from "../support/gateway.ts";

const ada = "ada@example.com";

/** `postern dev` with a database on disk, started again on the same port after each kill. */
async function startMortalGateway(context: TestContext) {
  const home = temporaryHome(context);
  const port = await freePort();
  let running: Running | undefined;
  const start = async () => {
    running = startPostern(["dev", "--port", String(port), "--data", join(home, "data")], {
      POSTERN_HOME: home,
    });
    await running.until(/Postern is up/);
  };
  await start();
  context.after(async () => {
    running?.child.kill("SIGKILL");
    await running?.ended;
  });
  return {
    home,
    application: `http://echo.localhost:${port}`,
    port,
    pin: async () => (await running?.until(/PIN for \S+: (\d+)/))?.[1] ?? "",
    /** the newest one; the gateway that said it may be dead by now */
    async pinOf(email: string) {
      const said = await running?.until(
        new RegExp(`PIN for ${email}: (\\d+)(?![\\s\\S]*PIN for ${email}:)`),
      );
      return said?.[1] ?? "";
    },
    async killAndRestart() {
      running?.child.kill("SIGKILL");
      await running?.ended;
      await start();
    },
  };
}

function ask(port: number, host: string, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      Host: `${host}:${port}`,
      "cf-access-token": token,
      Accept: "application/json",
    };
    const asked = request({ host: "127.0.0.1", port, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("error", reject);
    asked.end();
  });
}

test("a login survives kill -9 of the gateway between all its steps, and a logout does too", async (context) => {
  const gateway = await startMortalGateway(context);
  const environment = { POSTERN_HOME: gateway.home, CI: "1" };
  const visitor = new Visitor();

  // The PIN was sent: it is good after the restart.
  await visitor.visit(gateway.application);
  await visitor.press("Send me a code", { email: ada });
  const pin = await gateway.pin();
  await gateway.killAndRestart();
  await visitor.press("Sign in", { code: pin });
  assert.equal(visitor.page.status, 200, visitor.page.text);
  assert.match(visitor.page.text, /Hello from the API/);

  // Signed in: the browser's session is there, and approves a terminal without another sign-in.
  await gateway.killAndRestart();
  await visitor.visit(`${gateway.application}/again`);
  assert.match(visitor.page.text, /Hello from the API/);
  const login = startPostern(["access", "login", gateway.application, "--no-browser"], environment);
  const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
  await visitor.visit(url);
  await visitor.settle();
  await visitor.press("Approve");
  await visitor.settle();
  assert.equal(visitor.heading(), "You are signed in", visitor.page.text);
  assert.equal(await login.ended, 0, login.stderr());

  // Approved: the terminal's session and the keys that signed its token are there.
  await gateway.killAndRestart();
  const { stdout: token } = await runPostern(["access", "token", gateway.application], environment);
  assert.equal(await ask(gateway.port, "echo.localhost", token), 200);

  // Ended: it stays ended.
  const logout = await runPostern(["access", "logout", "--all"], environment);
  assert.equal(logout.status, 0, logout.stderr);
  assert.equal(await ask(gateway.port, "echo.localhost", token), 401);
  await gateway.killAndRestart();
  assert.equal(await ask(gateway.port, "echo.localhost", token), 401);
});

test("kill -9 at whatever moment of a login: who was told to be in is in after the restart, and everybody else can sign in", async (context) => {
  const gateway = await startMortalGateway(context);
  const rounds = 5;
  let confirmed = 0;
  for (let round = 0; round < rounds; round++) {
    const email = `person${round}@example.com`;
    const visitor = new Visitor();
    const login = (async () => {
      await visitor.visit(gateway.application);
      await visitor.press("Send me a code", { email });
      await visitor.press("Sign in", { code: await gateway.pinOf(email) });
    })().catch(() => "cut off");
    // Somewhere between the first byte and the last page.
    await Promise.race([login, new Promise((resolve) => setTimeout(resolve, randomInt(120)))]);
    await gateway.killAndRestart();
    await login;

    const wasToldSo = visitor.cookie("echo.localhost", "CF_Authorization") !== undefined;
    await visitor.visit(`${gateway.application}/after`);
    if (wasToldSo) {
      confirmed++;
      assert.match(visitor.page.text, new RegExp(`"you": "${email}"`), `round ${round}`);
      continue;
    }
    // A browser that the team domain knows goes straight on; every other one signs in.
    if (!visitor.page.text.includes("Hello from the API")) {
      await visitor.press("Send me a code", { email });
      await visitor.press("Sign in", { code: await gateway.pinOf(email) });
    }
    assert.match(visitor.page.text, new RegExp(`"you": "${email}"`), `round ${round}`);
  }
  context.diagnostic(`${confirmed} of ${rounds} had been let in when the gateway was killed`);
});

// What a login looks like in a real terminal (tmux) of 80×24 and of 60×40: address and code are
// whole, whatever else is shown.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { startPeer } from "../../packages/cli/test/support/peer.ts";
import { startProxy } from "../../packages/cli/test/support/proxy.ts";
import { bin, type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import { simpleSections, startGateway } from "../support/gateway.ts";
import { needs } from "../support/requirements.ts";
import { certificateFor } from "../support/tls.ts";
import { openPane, type Pane } from "../support/tmux.ts";

const sizes = [
  { columns: 80, rows: 24 },
  { columns: 60, rows: 40 },
];
const code = "[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}";
const esc = "\u001b";
const waiting = /Waiting for the approval, \d+:\d\d left/;

/** Who sits at a terminal far from any browser, and reaches the world by a proxy. */
async function remotePerson(context: TestContext) {
  const certificate = certificateFor(context, ["*.example.test"]);
  const peer = await startPeer(context, { hosts: ["api"], secure: certificate });
  // As a gateway that knows short addresses (wire-protocol 6.4).
  peer.answer = ({ method }, response) => {
    if (method !== "POST") return false;
    response.statusCode = 201;
    response.end();
    return true;
  };
  const proxy = await startProxy(context, peer.port);
  const person = machine(context, "exit 0");
  Object.assign(person.environment, {
    HTTPS_PROXY: proxy.url,
    POSTERN_CA_FILE: certificate.ca_file,
    SSH_CONNECTION: "192.0.2.1 50000 192.0.2.2 22",
  });
  return person;
}

function loginIn(
  context: TestContext,
  size: (typeof sizes)[number],
  { environment }: Machine,
  args: string,
): Pane {
  const command = `'${process.execPath}' '${bin}' access login ${args}; echo "status $?"`;
  return openPane(context, size, command, environment);
}

for (const size of sizes) {
  const { columns, rows } = size;

  test(
    `a login at ${columns}×${rows} shows address, code and time left, and a QR code where there is room`,
    needs("tmux", "openssl"),
    async (context) => {
      const person = await remotePerson(context);
      const pane = loginIn(context, size, person, "https://api.example.test");
      await pane.shows(waiting);
      const seen = pane.rows();
      assert.equal(seen.length, rows);

      // All of it is there at once, in this order.
      const text = pane.text();
      const order = new RegExp(
        `https://api\\.example\\.test/cdn-cgi/access/cli/[\\w-]{43}\n.*this code: ${code}\n${waiting.source}`,
      );
      assert.match(text, order);
      const [address = ""] = /https:\S+/.exec(text) ?? [];
      assert.ok(address.length <= 90, address);

      const qrRows = seen.filter((row) => /^[ █▀▄]{30,}$/.test(row));
      const hasRoom = rows >= 40;
      assert.equal(qrRows.length > 15, hasRoom, seen.join("\n"));
      if (hasRoom) assert.ok(text.indexOf("█") < text.indexOf(address), "the QR code comes first");

      const styled = pane.styled();
      const [shownCode = ""] = new RegExp(code).exec(text) ?? [];
      assert.ok(styled.includes(`${esc}[1m${shownCode}`), "the code is bold");
      // tmux writes the two colours apart.
      const isBlackOnWhite = styled.includes(`${esc}[38;5;16m${esc}[48;5;231m`);
      assert.equal(isBlackOnWhite, hasRoom);
    },
  );
}

test(
  "the time that is left is drawn anew in its place, and goes when the login ends",
  needs("tmux", "openssl"),
  async (context) => {
    const person = await remotePerson(context);
    const size = { columns: 80, rows: 24 };
    const pane = loginIn(context, size, person, "--timeout 3s https://api.example.test");
    await pane.shows(waiting);
    const [first = ""] = waiting.exec(pane.text()) ?? [];
    await pane.shows(new RegExp(`^(?![\\s\\S]*${first})[\\s\\S]*${waiting.source}`));
    assert.equal(pane.text().match(new RegExp(waiting, "g"))?.length, 1);
    await pane.shows(/nobody approved the sign-in/);
    await pane.shows(/status 6/);
    assert.doesNotMatch(pane.text(), waiting);
  },
);

test(
  "Ctrl-C says that nothing was signed in, with status 130",
  needs("tmux", "openssl"),
  async (context) => {
    const person = await remotePerson(context);
    const size = { columns: 60, rows: 40 };
    const pane = loginIn(context, size, person, "https://api.example.test");
    await pane.shows(waiting);
    pane.press("C-c");
    await pane.shows(/Interrupted: nothing was signed in\.\n/);
    await pane.shows(/status 130/);
    assert.doesNotMatch(pane.text(), waiting);
  },
);

test(
  "a real gateway's pages are told in the terminal while they are opened, and the last line says who is signed in until when",
  needs("tmux"),
  async (context) => {
    const gateway = await startGateway({ sections: simpleSections("http://127.0.0.1:1") });
    context.after(() => gateway.close());
    const person = machine(context, "exit 0");
    const url = gateway.origin("app.localhost");
    const size = { columns: 80, rows: 24 };
    const pane = loginIn(context, size, person, `--no-browser ${url}`);
    await pane.shows(waiting);
    const [address = ""] = /http:\S+\/access\/cli\/\S+/.exec(pane.text()) ?? [];
    const visitor = new Visitor();
    await visitor.visit(address);
    await pane.shows(/The page was opened in a browser\.\n/);
    await visitor.press("Send me a code", { email: "ada@example.com" });
    await visitor.press("Sign in", { code: gateway.pin("ada@example.com") ?? "" });
    await visitor.settle();
    await pane.shows(/is signed in at the page; what is left is to approve\.\n/);
    await pane.shows(waiting);
    await visitor.press("Approve");
    const last = /✓ Signed in as ada@example\.com to app\.localhost:\d+ until .*\((8|24) hours\)\n/;
    await pane.shows(last);
    await pane.shows(/status 0/);
    assert.match(pane.text(), new RegExp(`${address}\n`), "the address can still be read");
  },
);

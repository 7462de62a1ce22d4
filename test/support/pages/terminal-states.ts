// The pages of a terminal's sign-in.
import {
  elsewhere,
  officialClient,
  organization,
  type PageScene,
  type PageState,
  type SceneTerminal,
  tom,
} from "./scene.ts";

const approve = "Approve sign-in from a terminal";

async function approved(scene: PageScene): Promise<SceneTerminal> {
  const terminal = await scene.askToApprove();
  await scene.press("Approve");
  await scene.heading("You are signed in");
  return terminal;
}

const lend = "Lend a part of your access?";
const grant = {
  methods: ["GET", "POST"],
  paths: ["/v1/orders/*", "/v1/status"],
  count: 100,
  ttl: 1800,
  label: "release bot",
};

async function lent(scene: PageScene): Promise<void> {
  await scene.askToLend(grant);
  await scene.press("Approve");
  await scene.heading("The grant is made");
}

/** Their states. */
export const terminalStates: readonly PageState[] = [
  { name: "approve", heading: approve, show: (scene) => scene.askToApprove() },
  {
    name: "approve-elsewhere",
    heading: approve,
    show: (scene) => scene.askToApprove({ from: elsewhere }),
  },
  {
    name: "approve-no-code",
    heading: approve,
    show: (scene) => scene.askToApprove({ from: elsewhere, userAgent: officialClient }),
  },
  {
    name: "approve-long-names",
    heading: approve,
    show: (scene) =>
      scene.askToApprove({
        from: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        userAgent: `some-client/${"9".repeat(180)}`,
      }),
  },
  {
    name: "approve-refused-client",
    heading: approve,
    show: async (scene) => {
      await scene.changed({ organization: { ...organization, require_login_code: true } });
      await scene.askToApprove({ userAgent: officialClient });
    },
  },
  {
    name: "no-grants",
    heading: "Your grants",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(`${scene.gateway.team}/cdn-cgi/access/grants`);
    },
  },
  { name: "grant", heading: lend, show: (scene) => scene.askToLend(grant) },
  {
    name: "grant-of-everything",
    heading: lend,
    show: (scene) => scene.askToLend({ ttl: 8 * 3600 }),
  },
  {
    name: "grant-long",
    heading: lend,
    show: (scene) =>
      scene.askToLend({
        methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"],
        paths: Array.from({ length: 10 }, (_, index) => `/${"long".repeat(45)}/${index}/*`),
        count: 1_000_000,
        ttl: 60,
        label: "W".repeat(60),
      }),
  },
  {
    name: "granted",
    heading: "The grant is made",
    show: (scene) => lent(scene),
  },
  {
    name: "grants",
    heading: "Your grants",
    show: async (scene) => {
      await lent(scene);
      await scene.open(`${scene.gateway.team}/cdn-cgi/access/grants`);
    },
  },
  {
    name: "no-terminal",
    heading: "No terminal is waiting",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.terminal().url);
    },
  },
  {
    name: "telling",
    heading: "Telling your terminal",
    show: async (scene) => {
      await scene.askToApprove({ confirms: true });
      await scene.press("Approve");
    },
  },
  { name: "approved", heading: "You are signed in", show: approved },
  {
    name: "approved-already",
    heading: "You are signed in",
    show: async (scene) => {
      const terminal = await approved(scene);
      scene.gateway.clock.ahead = 3 * 60_000;
      await scene.open(terminal.url);
      await scene.page.getByText("You have approved this already").waitFor();
    },
  },
  {
    name: "terminal-ended",
    heading: "The terminal is signed out",
    show: async (scene) => {
      await approved(scene);
      await scene.press("End this terminal's session");
    },
  },
  {
    name: "denied",
    heading: "Sign-in refused",
    show: async (scene) => {
      await scene.askToApprove();
      await scene.press("Deny");
    },
  },
  {
    name: "over-expired",
    heading: "This sign-in has expired",
    show: async (scene) => {
      const terminal = await scene.askToApprove();
      scene.gateway.clock.ahead = 12 * 60_000;
      await scene.open(terminal.url);
    },
  },
  {
    name: "over-address",
    heading: "This sign-in is over",
    show: async (scene) => {
      const terminal = await scene.askToApprove();
      terminal.poll(elsewhere);
      const { transfers } = scene.gateway.parts.store;
      while ((await transfers.find(terminal.mailbox))?.state !== "address")
        await new Promise((resolve) => setImmediate(resolve));
      await scene.open(terminal.url);
    },
  },
  {
    name: "over-answered",
    heading: "This sign-in is over",
    show: async (scene) => {
      const terminal = await approved(scene);
      await scene.page.context().clearCookies();
      await scene.signIn(tom);
      await scene.open(terminal.url);
    },
  },
  {
    name: "broken-link",
    heading: "This link does not work",
    show: (scene) => scene.open(`${scene.app("freight")}/cdn-cgi/access/cli?aud=x`),
  },
];

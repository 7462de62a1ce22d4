// The front page, refusals and faults.
import { mia, onlyTom, type PageState } from "./scene.ts";

/** Their states. */
export const otherStates: readonly PageState[] = [
  {
    name: "home-signed-out",
    heading: "Nordlicht Logistik",
    show: (scene) => scene.open(scene.gateway.team),
  },
  {
    name: "home",
    heading: "Your applications",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.gateway.team);
    },
  },
  {
    name: "home-tags",
    heading: "Your applications",
    show: async (scene) => {
      const policies = [{ name: "all", decision: "allow", include: [{ everyone: {} }] }];
      const tile = { type: "bookmark", policies };
      const wiki = { ...tile, name: "Wiki", domain: "https://wiki.example.com/start" };
      const status = { ...tile, name: "Status of everything", domain: "status.example.com" };
      await scene.changed({
        applications: [
          {
            name: "Freight",
            domain: "freight.localhost",
            policies,
            tags: ["operations", "drivers"],
          },
          { ...wiki, tags: ["documentation for the whole company", "drivers"] },
          { ...status, tags: ["operations"] },
        ],
      });
      await scene.signIn();
      await scene.open(`${scene.gateway.team}/?tag=operations`);
    },
  },
  {
    name: "home-empty",
    heading: "Your applications",
    show: async (scene) => {
      await scene.changed({
        applications: [{ name: "Ledger", domain: "ledger.localhost", policies: onlyTom }],
      });
      await scene.signIn();
      await scene.open(scene.gateway.team);
    },
  },
  {
    name: "no-access",
    heading: "You don't have access",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.app("ledger"));
    },
  },
  {
    name: "no-access-own-words",
    heading: "You don't have access",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.app("payroll"));
    },
  },
  {
    name: "start-again",
    heading: "Please start again",
    show: async (scene) => {
      await scene.open(scene.app("freight"));
      scene.gateway.clock.ahead = 2 * 60 * 60_000;
      await scene.page.getByLabel("Email").fill(mia);
      await scene.press("Send me a code");
    },
  },
  {
    name: "start-again-elsewhere",
    heading: "Please start again",
    show: (scene) => scene.open(`${scene.gateway.team}/cdn-cgi/access/callback?state=x&code=y`),
  },
  {
    name: "sign-in-not-kept",
    heading: "Your browser does not keep the sign-in",
    show: async (scene) => {
      await scene.signIn();
      const { hostname } = new URL(scene.app("freight"));
      for (let nth = 0; nth < 6; nth++) {
        await scene.page.context().clearCookies({ name: "CF_Authorization", domain: hostname });
        await scene.open(scene.app("freight"));
      }
    },
  },
  {
    name: "unknown-application",
    heading: "No application at this address",
    show: (scene) => scene.open(`${scene.gateway.team}/cdn-cgi/access/login/no.localhost?kid=x`),
  },
  {
    name: "provider-unreachable",
    heading: "Sign-in is unavailable right now",
    show: async (scene) => {
      await scene.open(scene.app("freight"));
      await scene.press("Nordlicht SSO");
    },
  },
  {
    name: "too-many-tries",
    heading: "Too many tries",
    show: async (scene) => {
      await scene.page.context().setExtraHTTPHeaders({ "x-forwarded-for": "203.0.113.200" });
      await scene.open(scene.app("freight"));
      await scene.page.getByLabel("Email").fill("busy@nordlicht.example");
      await scene.press("Send me a code");
      const refused = scene.page.getByRole("heading", { name: "Too many tries" });
      const another = scene.page.getByRole("button", { name: "Send another code" });
      while (!(await refused.isVisible())) {
        await refused.or(another).waitFor();
        if (await another.isVisible()) await another.click();
      }
    },
  },
  {
    name: "sign-out",
    heading: "Sign out?",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(`${scene.gateway.team}/cdn-cgi/access/login`);
      // A link on somebody else's page: the browser says that another site led here.
      await scene.open(`${scene.app("no")}/`);
      const address = JSON.stringify(`${scene.gateway.team}/cdn-cgi/access/logout`);
      await scene.page.evaluate(`location.href = ${address}`);
    },
  },
  {
    name: "signed-out",
    heading: "You are signed out",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(`${scene.gateway.team}/cdn-cgi/access/logout`);
    },
  },
  {
    name: "nobody-signed-out",
    heading: "You are signed out",
    show: (scene) => scene.open(`${scene.gateway.team}/cdn-cgi/access/logout`),
  },
  {
    name: "no-page",
    heading: "No page at this address",
    show: (scene) => scene.open(`${scene.gateway.team}/elsewhere`),
  },
  {
    name: "no-application",
    heading: "No application at this address",
    show: (scene) => scene.open(scene.app("nowhere")),
  },
  {
    name: "denied-everybody",
    heading: "You don't have access",
    show: (scene) => scene.open(scene.app("internal")),
  },
  {
    name: "unreadable",
    heading: "This request cannot be read",
    show: (scene) => scene.open(`${scene.app("freight")}/a%2Fb`),
  },
  {
    name: "origin-unreachable",
    heading: "The application cannot be reached",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.app("down"));
    },
  },
  {
    name: "no-service",
    heading: "Nothing at this address",
    show: async (scene) => {
      await scene.signIn();
      await scene.open(scene.app("unrouted"));
    },
  },
];

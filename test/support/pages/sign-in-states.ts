// The pages on which people sign in.
import { organization, type PageScene, type PageState } from "./scene.ts";

const logo = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="120" height="32"><rect width="120" height="32" rx="6" fill="#f2b705"/><path d="M12 24V8l12 16V8" stroke="#0b3d2e" stroke-width="4" fill="none"/></svg>')}`;

/** @param name of an address that no other state uses: only so many codes are made for one */
async function askForCode(scene: PageScene, name: string): Promise<void> {
  await scene.open(scene.app("freight"));
  await scene.page.getByLabel("Email").fill(`${name}@nordlicht.example`);
  await scene.press("Send me a code");
  await scene.heading("Enter your code");
}

async function lastUsed(scene: PageScene, id: string): Promise<void> {
  const { team: url } = scene.gateway;
  await scene.page.context().addCookies([{ name: "postern_provider", value: id, url }]);
}

/** Their states. */
export const signInStates: readonly PageState[] = [
  {
    name: "sign-in",
    heading: "Sign in to Freight API",
    show: (scene) => scene.open(scene.app("freight")),
  },
  {
    name: "sign-in-last-used",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await lastUsed(scene, "partner-okta");
      await scene.open(scene.app("freight"));
    },
  },
  {
    name: "sign-in-last-used-email",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await lastUsed(scene, "pin");
      await scene.open(scene.app("freight"));
    },
  },
  {
    name: "sign-in-email-alone",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await scene.changed({
        identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
      });
      await scene.open(scene.app("freight"));
    },
  },
  {
    name: "sign-in-for-terminal",
    heading: "Sign in to Freight API",
    show: (scene) => scene.open(scene.terminal().url),
  },
  {
    name: "sign-in-team",
    heading: "Sign in to Nordlicht Logistik",
    show: (scene) => scene.open(`${scene.gateway.team}/cdn-cgi/access/login`),
  },
  {
    name: "sign-in-bad-email",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await scene.open(scene.app("freight"));
      // Browsers hold back most of what the gateway does not take.
      await scene.page.evaluate(`document.querySelector("[type=email]").type = "text"`);
      await scene.page.getByLabel("Email").fill("mia at nordlicht");
      await scene.press("Send me a code");
      await scene.page.getByRole("alert").waitFor();
    },
  },
  {
    name: "sign-in-no-way",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      await scene.changed({ identity_providers: [] });
      await scene.open(scene.app("freight"));
    },
  },
  { name: "pin", heading: "Enter your code", show: (scene) => askForCode(scene, "mia") },
  {
    name: "pin-wrong",
    heading: "Enter your code",
    show: async (scene) => {
      await askForCode(scene, "mia.berg");
      await scene.page.getByLabel("Code").fill("000000");
      await scene.press("Sign in");
      await scene.page.getByRole("alert").waitFor();
    },
  },
  {
    name: "pin-another",
    heading: "Enter your code",
    show: async (scene) => {
      await askForCode(scene, "mia.lund");
      await scene.press("Send another code");
      await scene.page.getByText("We have made another code.").waitFor();
    },
  },
  {
    name: "pin-mail-works",
    heading: "Enter your code",
    show: async (scene) => {
      await askForCode(scene, "mia.dahl");
      await scene.press("Check whether mail is going out");
      await scene.page.getByText("The mail server is taking our messages.").waitFor();
    },
  },
  {
    name: "pin-mail-trouble",
    heading: "Enter your code",
    show: async (scene) => {
      scene.mail.works = false;
      await askForCode(scene, "mia.holm");
      const trouble = scene.page.getByText("is not taking our messages");
      while (!(await trouble.isVisible())) await scene.press("Check whether mail is going out");
    },
  },
  {
    name: "own-design",
    heading: "Sign in to Freight API",
    show: async (scene) => {
      const login_design = {
        background_color: "#0b3d2e",
        text_color: "#e8f5ee",
        logo_path: logo,
        header_text: "Trouble signing in? Call 4711.",
        footer_text: "Nordlicht Logistik GmbH · Hamburg",
      };
      await scene.changed({ organization: { ...organization, login_design } });
      await scene.open(scene.app("freight"));
    },
  },
];

// The questions of `postern init` in their order, and what their answers come to.
import { isLoopbackHost, parseAuthority } from "@postern/protocol/host";
import {
  type Ask,
  addressFault,
  hostFault,
  originFault,
  personFault,
  type Question,
  wordFault,
} from "./question.ts";
import { type ProviderFields, type Recipe, recipes } from "./recipes.ts";

/** How requests reach the gateway. */
export type Transport =
  /** http on this machine, for names that lead nowhere else */
  | { kind: "local"; port: number }
  | { kind: "tls"; certFile: string; keyFile: string }
  /** a proxy on this machine speaks TLS */
  | { kind: "proxy" };

/** Where people prove who they are. */
export type ProviderAnswers =
  | { kind: "oidc"; recipe: Recipe; fields: ProviderFields; clientId: string; secret: Secret }
  | { kind: "pin"; server: string; user: string; from: string; secret: Secret | undefined };

/** Where a secret comes from; it is never part of the configuration. */
export type Secret =
  /** typed by the person; goes into a file of this name beside the configuration */
  | { kind: "typed"; file: string; value: string }
  | { kind: "file"; file: string }
  | { kind: "environment"; variable: string };

/** Everything that the configuration is written from. */
export interface Answers {
  /** `host[:port]` */
  authDomain: string;
  transport: Transport;
  provider: ProviderAnswers;
  /** `domain` is `host[/path]` */
  application: { name: string; domain: string; origin: string };
  /** an email address, or `@domain` */
  people: string;
}

const pin = "pin";
const localPort = 8600;

const teamDomain: Question = {
  flag: "team-domain",
  text: "Team domain, where people sign in",
  fallback: `login.localhost:${localPort}`,
  fault: hostFault,
};
const certificate: Question = {
  flag: "tls-cert",
  text: "Certificate file (PEM) for these names; leave empty if a proxy on this machine has it",
  fallback: "",
  isFile: true,
};
const privateKey: Question = { flag: "tls-key", text: "File with its private key", isFile: true };
const provider: Question = {
  flag: "provider",
  text: `Identity provider: ${[...recipes.map(({ id }) => id), pin].join(", ")}`,
  fault(answer) {
    const ids = [...recipes.map(({ id }) => id), pin];
    if (ids.includes(answer)) return undefined;
    return `${answer} is not one of ${ids.join(", ")}; use oidc for any other provider that speaks OpenID Connect`;
  },
};
const clientId: Question = { flag: "client-id", text: "Client ID", fault: wordFault };
const mailServer: Question = {
  flag: "smtp-server",
  text: "Mail server that sends the codes, such as smtps://mail.example.com",
  fault(answer) {
    const isServer = URL.canParse(answer) && /^smtps?:\/\/[^@/]+\/?$/.test(answer);
    return isServer ? undefined : `${answer} is not smtp://host or smtps://host`;
  },
};
const mailUser: Question = {
  flag: "smtp-user",
  text: "User name at the mail server; leave empty for none",
  fallback: "",
};
const origin: Question = {
  flag: "origin",
  text: "Its origin: where it runs now",
  fallback: "http://127.0.0.1:3000",
  fault: originFault,
};
const people: Question = {
  flag: "allow",
  text: "Who may use it: an email address, or @domain for everybody there",
  fault: personFault,
};

/** Asks for everything. */
export async function interview(ask: Ask): Promise<Answers> {
  const authDomain = await ask(teamDomain);
  const transport = await askForTransport(ask, authDomain);
  const answers = { authDomain, transport, provider: await askForProvider(ask, authDomain) };
  const domain = await ask(applicationAddress(authDomain));
  const name = await ask({
    flag: "app-name",
    text: "Its name, as people see it",
    fallback: domain.split(/[./]/, 1)[0] ?? domain,
  });
  const application = { name, domain, origin: await ask(origin) };
  return { ...answers, application, people: await ask(people) };
}

async function askForTransport(ask: Ask, authDomain: string): Promise<Transport> {
  const { host = "", port } = parseAuthority(authDomain) ?? {};
  if (isLoopbackHost(host)) {
    await ask(unused(certificate));
    await ask(unused(privateKey));
    return { kind: "local", port: port ?? 80 };
  }
  const certFile = await ask(certificate);
  if (certFile === "") return { kind: "proxy" };
  return { kind: "tls", certFile, keyFile: await ask(privateKey) };
}

/** Nobody is asked for it; a flag that names it is a mistake. */
function unused({ flag, text }: Question): Question {
  const fault = () =>
    "a team domain below .localhost is served over plain HTTP; leave out --tls-cert and --tls-key, or name another --team-domain";
  return { flag, text, fallback: "", isUnused: true, fault };
}

async function askForProvider(ask: Ask, authDomain: string): Promise<ProviderAnswers> {
  const id = await ask(provider);
  const recipe = recipes.find((each) => each.id === id);
  if (recipe === undefined) return askForMail(ask, authDomain);
  const fields = await recipe.ask(ask);
  const client = await ask(clientId);
  const secret = await askForSecret(ask, "client-secret", "Client secret");
  return { kind: "oidc", recipe, fields, clientId: client, secret };
}

async function askForMail(ask: Ask, authDomain: string): Promise<ProviderAnswers> {
  const server = await ask(mailServer);
  const user = await ask(mailUser);
  const secret =
    user === ""
      ? undefined
      : await askForSecret(ask, "smtp-password", "Password at the mail server");
  const from = await ask({
    flag: "smtp-from",
    text: "Sender of the codes",
    fallback: `access@${parentOf(authDomain)}`,
    fault: (answer) =>
      /^[^\s@]+@[^\s@]+$/.test(answer) ? undefined : `${answer} is not an email address`,
  });
  return { kind: "pin", server, user, from, secret };
}

/** A secret is typed on a terminal, or stands in a file, or comes with the environment later. */
async function askForSecret(ask: Ask, name: string, text: string): Promise<Secret> {
  const file = await ask({
    flag: `${name}-file`,
    text: `File with the ${text.toLowerCase()}; leave empty to type it at the next question`,
    fallback: "",
    isFile: true,
  });
  if (file !== "") return { kind: "file", file };
  const variable = `POSTERN_${name.toUpperCase().replaceAll("-", "_")}`;
  const value = await ask({
    flag: name,
    text: `${text}; leave empty to set ${variable} later`,
    fallback: "",
    isSecret: true,
  });
  if (value === "") return { kind: "environment", variable };
  return { kind: "typed", file: name, value };
}

function applicationAddress(authDomain: string): Question {
  return {
    flag: "app-domain",
    text: "Address of the first application: host, or host/path",
    fallback: `app.${parentOf(authDomain)}`,
    fault: addressFault,
  };
}

/** `login.example.com:8600` → `example.com` */
function parentOf(authDomain: string): string {
  const { host = authDomain } = parseAuthority(authDomain) ?? {};
  return host.split(".").slice(1).join(".") || host;
}

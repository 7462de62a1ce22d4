// A person at a browser without JavaScript, one hop at a time: keeps cookies per host as browsers
// do, says in Fetch Metadata where a request comes from, fills in forms by the names that pages.md
// fixes.
import type { Agent, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { gatewayRequest } from "../../../../test/support/gateway-request.ts";
import { defined } from "../../src/defined.ts";

export interface Answer {
  url: string;
  status: number;
  headers: IncomingHttpHeaders;
  setCookies: string[];
  text: string;
  /** absolute; undefined where there is none */
  location: string | undefined;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** source address */
  from?: string;
  /** PEM of the authority that the browser trusts over https */
  ca?: string;
  /** whose connections are used; default: one of its own */
  agent?: Agent;
}

interface Form {
  method: "GET" | "POST";
  action: string;
  fields: Map<string, string>;
  buttons: { label: string; name: string | undefined; value: string }[];
}

export class Person {
  readonly jar: Map<string, Map<string, string>>;
  readonly #from: string | undefined;
  readonly #ca: string | undefined;
  readonly #agent: (() => Agent) | undefined;
  /** every answer so far, oldest first */
  readonly history: Answer[] = [];
  page: Answer = {
    url: "about:blank",
    status: 0,
    headers: {},
    setCookies: [],
    text: "",
    location: undefined,
  };

  /**
   * @param jar of another window of the same browser
   * @param from source address
   * @param ca PEM of the authority that the browser trusts over https
   * @param agent whose connections the next request uses
   */
  constructor(jar: Person["jar"] = new Map(), from?: string, ca?: string, agent?: () => Agent) {
    this.jar = jar;
    this.#from = from;
    this.#ca = ca;
    this.#agent = agent;
  }

  /** one request and its cookies; follows nothing and leaves the page as it is */
  async ask(url: string, { method = "GET", headers = {}, body }: Ask = {}): Promise<Answer> {
    const { hostname } = new URL(url);
    const cookies = this.cookiesOf(hostname);
    const answer = await send(url, {
      method,
      headers: {
        accept: "text/html",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
        "sec-fetch-site": "none",
        ...(cookies.size === 0
          ? {}
          : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }),
        ...headers,
      },
      ...defined({ body, from: this.#from, ca: this.#ca, agent: this.#agent?.() }),
    });
    for (const line of answer.setCookies) remember(cookies, line);
    this.history.push(answer);
    return answer;
  }

  /** goes to a page, over redirects */
  async open(url: string, ask: Ask = {}): Promise<Answer> {
    this.page = await this.ask(url, ask);
    for (let hops = 0; this.page.location !== undefined && hops < 20; hops++) {
      this.page = await this.ask(this.page.location, {
        headers: { "sec-fetch-site": "cross-site" },
      });
    }
    return this.page;
  }

  /** what pressing a button would send */
  pressing(
    label: string,
    values: Record<string, string> = {},
    page = this.page,
  ): { url: string } & Required<Omit<Ask, "from" | "ca" | "agent">> {
    const forms = formsOf(page.text);
    const form = forms.find((each) => each.buttons.some((button) => button.label === label));
    const button = form?.buttons.find((each) => each.label === label);
    if (form === undefined || button === undefined)
      throw new Error(`no button "${label}" on ${page.url} (${page.status}):\n${page.text}`);
    const fields = new URLSearchParams([...form.fields]);
    for (const [name, value] of Object.entries(values)) fields.set(name, value);
    if (button.name !== undefined) fields.set(button.name, button.value);
    const url = new URL(form.action, page.url);
    if (form.method === "GET") {
      url.search = fields.toString();
      const headers = { "sec-fetch-site": "same-origin" };
      return { url: url.href, method: "GET", headers, body: "" };
    }
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
    };
    return {
      url: url.href,
      method: "POST",
      headers,
      body: fields.toString(),
    };
  }

  async press(label: string, values: Record<string, string> = {}): Promise<Answer> {
    const { url, ...ask } = this.pressing(label, values);
    return this.open(url, ask);
  }

  heading(): string {
    return headingOf(this.page);
  }

  cookiesOf(hostname: string): Map<string, string> {
    const cookies = this.jar.get(hostname) ?? new Map<string, string>();
    this.jar.set(hostname, cookies);
    return cookies;
  }

  /** another window of the same browser */
  tab(): Person {
    return new Person(this.jar, this.#from, this.#ca, this.#agent);
  }
}

export function headingOf(answer: Answer): string {
  return plain(/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(answer.text)?.[1] ?? "");
}

/** One request on a connection of its own, to 127.0.0.1 whatever the host. */
export function send(
  url: string,
  { method = "GET", headers = {}, body, from, ca, agent }: Ask = {},
): Promise<Answer> {
  const { protocol, host, hostname, port, pathname, search } = new URL(url);
  const makeRequest = protocol === "https:" ? httpsRequest : gatewayRequest;
  return new Promise((resolve, reject) => {
    const length: Record<string, string> =
      body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const options = {
      host: "127.0.0.1",
      port,
      method,
      path: pathname + search,
      headers: { host, ...headers, ...length },
      agent: agent ?? (false as const),
      servername: hostname,
      ...defined({ localAddress: from, ca }),
    };
    const request = makeRequest(options);
    request.on("response", (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { location } = response.headers;
        resolve({
          url,
          status: response.statusCode ?? 0,
          headers: response.headers,
          setCookies: response.headers["set-cookie"] ?? [],
          text: Buffer.concat(chunks).toString(),
          location: location === undefined ? undefined : new URL(location, url).href,
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

function remember(cookies: Map<string, string>, line: string): void {
  const [pair = "", ...attributes] = line.split(";");
  const equals = pair.indexOf("=");
  const gone = attributes.some((each) => {
    const [name = "", value = ""] = each.trim().split("=");
    return (
      (/^max-age$/i.test(name) && Number(value) <= 0) ||
      (/^expires$/i.test(name) && Date.parse(value) <= Date.now())
    );
  });
  // A cookie of more than 4096 bytes is dropped by browsers without a word.
  if (gone) cookies.delete(pair.slice(0, equals));
  else if (pair.length <= 4096) cookies.set(pair.slice(0, equals), pair.slice(equals + 1));
}

function formsOf(page: string): Form[] {
  return [...page.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(
    ([, head = "", inner = ""]) => ({
      method: attribute(head, "method") === "get" ? ("GET" as const) : ("POST" as const),
      action: attribute(head, "action") ?? "",
      fields: new Map(
        [...inner.matchAll(/<input\b([^>]*)>/g)].flatMap(([, input = ""]) => {
          const name = attribute(input, "name");
          return name === undefined ? [] : [[name, attribute(input, "value") ?? ""] as const];
        }),
      ),
      buttons: [...inner.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/g)].map(
        ([, button = "", label = ""]) => ({
          label: plain(label),
          name: attribute(button, "name"),
          value: attribute(button, "value") ?? "",
        }),
      ),
    }),
  );
}

function attribute(text: string, name: string): string | undefined {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1];
  return value === undefined ? undefined : decode(value);
}

function plain(markup: string): string {
  return decode(markup.replace(/<[^>]*>/g, " "))
    .replace(/\s+/g, " ")
    .trim();
}

function decode(text: string): string {
  const named: Record<string, string> = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&#39;": "'",
    "&amp;": "&",
  };
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => named[entity] ?? entity);
}

// Walks the gateway's pages over plain HTTP as a person with a browser would: follows redirects,
// keeps cookies per host, fills in forms and presses buttons by their names. For machines without a
// browser; it works because every page works without JavaScript.
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { loopbackAddress } from "@postern/protocol";

export interface Page {
  url: string;
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface Network {
  /** PEM of the authority that signs the gateway's certificate, where it is not a public one */
  ca?: string;
  /**
   * where every name leads; else names below .localhost lead to this machine and others to where
   * they say
   */
  address?: string;
  /** the port there, whatever addresses say */
  port?: number;
}

interface Form {
  action: string;
  method: string;
  fields: Map<string, string>;
  buttons: { label: string; name: string | undefined; value: string }[];
}

const redirectLimit = 20;

export class Visitor {
  readonly #cookies = new Map<string, Map<string, string>>();
  readonly #network: Network;
  page: Page = { url: "about:blank", status: 0, headers: {}, text: "" };

  constructor(network: Network = {}) {
    this.#network = network;
  }

  async visit(url: string): Promise<Page> {
    return this.#follow(new URL(url), "GET", undefined, undefined);
  }

  /**
   * Fills in the form that has a button with this label, and presses it.
   * @throws {Error} when the page has no such button
   */
  async press(label: string, values: Record<string, string> = {}): Promise<Page> {
    const forms = readForms(this.page.text);
    const form = forms.find((candidate) =>
      candidate.buttons.some((button) => button.label === label),
    );
    const button = form?.buttons.find((candidate) => candidate.label === label);
    if (form === undefined || button === undefined) {
      const labels = forms.flatMap((candidate) => candidate.buttons.map((each) => each.label));
      throw new Error(
        `${this.page.url} (${this.page.status}) has no button "${label}", only: ${labels.join(", ") || "none"}`,
      );
    }
    const fields = new URLSearchParams([...form.fields]);
    for (const [name, value] of Object.entries(values)) fields.set(name, value);
    if (button.name !== undefined) fields.set(button.name, button.value);
    const target = new URL(form.action, this.page.url);
    if (form.method === "post")
      return this.#follow(target, "POST", fields.toString(), this.page.url);
    target.search = fields.toString();
    return this.#follow(target, "GET", undefined, this.page.url);
  }

  /**
   * Looks again for as long as the page says that it does so by itself, as a browser would.
   * @returns the page that stays
   */
  async settle(): Promise<Page> {
    for (;;) {
      const refresh = /^(\d+); url=(.*)$/.exec(String(this.page.headers["refresh"]));
      if (refresh === null) return this.page;
      const [, seconds, url = ""] = refresh;
      await pause(Number(seconds) * 1_000);
      await this.visit(new URL(url, this.page.url).href);
    }
  }

  /** The page's first heading, as a reader sees it. */
  heading(): string {
    return plainText(/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(this.page.text)?.[1] ?? "");
  }

  cookie(host: string, name: string): string | undefined {
    return this.#cookies.get(host)?.get(name);
  }

  async #follow(
    first: URL,
    firstMethod: string,
    firstBody: string | undefined,
    from: string | undefined,
  ): Promise<Page> {
    let url = first;
    let method = firstMethod;
    let body = firstBody;
    for (let step = 0; step < redirectLimit; step++) {
      const page = await this.#fetch(url, method, body, from);
      this.page = page;
      const location = page.headers.location;
      if (page.status < 300 || page.status > 399 || location === undefined) return page;
      url = new URL(location, url);
      method = "GET";
      body = undefined;
    }
    throw new Error(
      `more than ${redirectLimit} redirects, the last one to ${url.origin}${url.pathname}`,
    );
  }

  #fetch(
    url: URL,
    method: string,
    body: string | undefined,
    from: string | undefined,
  ): Promise<Page> {
    const jar = this.#cookies.get(url.hostname) ?? new Map<string, string>();
    this.#cookies.set(url.hostname, jar);
    const headers: Record<string, string> = {
      Accept: "text/html,application/xhtml+xml",
      "Sec-Fetch-Mode": "navigate",
      "Sec-Fetch-Dest": "document",
      "Sec-Fetch-Site": siteOf(from, url),
    };
    if (jar.size > 0)
      headers["Cookie"] = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    if (body !== undefined) {
      headers["Content-Type"] = "application/x-www-form-urlencoded";
      headers["Origin"] = from === undefined ? "null" : new URL(from).origin;
    }
    const { ca, port, address = loopbackAddress(url.hostname) } = this.#network;
    const options = {
      method,
      headers,
      agent: false,
      // Names below .localhost mean this machine (RFC 6761), whatever the resolver thinks.
      ...(address === undefined ? {} : { hostname: address, setHost: false }),
      ...(port === undefined ? {} : { port }),
      ...(ca === undefined ? {} : { ca, servername: url.hostname }),
    };
    headers["Host"] = url.host;
    return new Promise((resolve, reject) => {
      const send = url.protocol === "https:" ? httpsRequest : httpRequest;
      const request = send(url, options, (response) => {
        for (const line of response.headers["set-cookie"] ?? []) remember(jar, line);
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            url: url.href,
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}

function remember(jar: Map<string, string>, line: string): void {
  const [pair = "", ...attributes] = line.split(";");
  const equals = pair.indexOf("=");
  const name = pair.slice(0, equals).trim();
  const expires = attributes
    .map((each) => /^\s*expires=(.*)$/i.exec(each)?.[1])
    .find((each) => each !== undefined);
  const maxAge = attributes
    .map((each) => /^\s*max-age=(-?\d+)/i.exec(each)?.[1])
    .find((each) => each !== undefined);
  const gone =
    (expires !== undefined && Date.parse(expires) <= Date.now()) ||
    (maxAge !== undefined && Number(maxAge) <= 0);
  if (gone) jar.delete(name);
  else jar.set(name, pair.slice(equals + 1).trim());
}

function readForms(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(
    ([, attributes = "", inner = ""]) => {
      const fields = new Map<string, string>();
      for (const [, input = ""] of inner.matchAll(/<input\b([^>]*)>/g)) {
        const name = attribute(input, "name");
        const type = attribute(input, "type") ?? "text";
        if (name !== undefined && (type !== "checkbox" || /\bchecked\b/.test(input)))
          fields.set(name, attribute(input, "value") ?? "");
      }
      const buttons = [...inner.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/g)].map(
        ([, button = "", label = ""]) => ({
          label: plainText(label),
          name: attribute(button, "name"),
          value: attribute(button, "value") ?? "",
        }),
      );
      return {
        action: attribute(attributes, "action") ?? "",
        method: (attribute(attributes, "method") ?? "get").toLowerCase(),
        fields,
        buttons,
      };
    },
  );
}

function attribute(text: string, name: string): string | undefined {
  const match = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`).exec(text);
  const value = match?.[1] ?? match?.[2] ?? match?.[3];
  return value === undefined ? undefined : decodeEntities(value);
}

function plainText(html: string): string {
  return decodeEntities(html.replace(/<[^>]*>/g, " "))
    .replace(/\s+/g, " ")
    .trim();
}

function decodeEntities(text: string): string {
  const named: Record<string, string> = {
    amp: "&",
    lt: "<",
    gt: ">",
    quot: '"',
    apos: "'",
    nbsp: " ",
  };
  return text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      return named[name ?? ""] ?? whole;
    },
  );
}

/** How a browser names the way from one page to another (`Sec-Fetch-Site`). */
function siteOf(from: string | undefined, to: URL): string {
  if (from === undefined) return "none";
  return new URL(from).host === to.host ? "same-origin" : "cross-site";
}

// The authorities that sign SSH certificates, one for each application (access-api 2.1). One that
// is removed is made anew when the next certificate is signed: servers that trust the one before
// take nobody in then.
import type { Application } from "../../model/model.ts";
import { SshAuthorities } from "../../ssh/authorities.ts";
import { publicKeyLine } from "../../ssh/public-key.ts";
import type { AdminParts } from "../admin-parts.ts";
import { audit } from "../audit.ts";
import { pageOf } from "../pages.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { visibleApplication } from "./sessions.ts";

const one = "/access/apps/:id/ca";

/** The routes of SSH authorities. */
export function sshAuthorityRoutes(parts: AdminParts): Route[] {
  const { store, secretBox, now } = parts;
  const authorities = new SshAuthorities({ store: store.sshAuthorities, secretBox, now });
  const endpoint = new AuthorityEndpoint(parts, authorities);
  return [
    {
      ...{ method: "GET", path: "/access/apps/ca", permission: "apps:read" },
      summary: "List SSH authorities",
      handle: (call) => endpoint.list(call),
    },
    {
      ...{ method: "POST", path: one, permission: "apps:write" },
      summary: "Make the SSH authority of an application; one that is there stays",
      handle: (call) => endpoint.create(call),
    },
    {
      ...{ method: "GET", path: one, permission: "apps:read" },
      summary: "Read the SSH authority of an application",
      handle: (call) => endpoint.read(call),
    },
    {
      ...{ method: "DELETE", path: one, permission: "apps:write", status: 202 },
      summary: "Remove the SSH authority of an application",
      handle: (call) => endpoint.remove(call),
    },
  ];
}

class AuthorityEndpoint {
  readonly #parts: AdminParts;
  readonly #authorities: SshAuthorities;

  constructor(parts: AdminParts, authorities: SshAuthorities) {
    this.#parts = parts;
    this.#authorities = authorities;
  }

  async list({ query, token }: Call): Promise<Answer> {
    const stored = await this.#parts.store.sshAuthorities.all();
    const { applicationByAud } = this.#parts.catalogs.current();
    const applications = stored
      .map(({ aud }) => applicationByAud.get(aud))
      .filter((application) => application !== undefined)
      .filter(({ id }) => token.applications?.includes(id) ?? true);
    const shown = await Promise.all(applications.map((application) => this.#show(application)));
    return pageOf(shown, query, (each) => each);
  }

  async create(call: Call): Promise<Answer> {
    const application = visibleApplication(call, this.#parts);
    if (application === undefined) return fail("not_found");
    const isThere = await this.#has(application);
    const shown = await this.#show(application);
    if (!isThere) await this.#audit(call, "created", application, { after: shown });
    return succeed(shown);
  }

  async read(call: Call): Promise<Answer> {
    const application = visibleApplication(call, this.#parts);
    if (application === undefined || !(await this.#has(application))) return fail("not_found");
    return succeed(await this.#show(application));
  }

  async remove(call: Call): Promise<Answer> {
    const application = visibleApplication(call, this.#parts);
    if (application === undefined || !(await this.#has(application))) return fail("not_found");
    const before = await this.#show(application);
    await this.#parts.store.sshAuthorities.remove(application.aud);
    await this.#audit(call, "deleted", application, { before });
    return succeed({ id: application.id }, 202);
  }

  async #has({ aud }: Application): Promise<boolean> {
    return (await this.#parts.store.sshAuthorities.find(aud)) !== undefined;
  }

  async #show({ id, aud }: Application): Promise<object> {
    const { publicKey } = await this.#authorities.of(aud);
    return { id, aud, public_key: publicKeyLine(publicKey) };
  }

  #audit(
    call: Call,
    action: string,
    { id, name }: Application,
    values: { before?: object; after?: object },
  ): Promise<void> {
    return audit(call, { action, kind: "ssh authority", id, name, ...values }, this.#parts);
  }
}

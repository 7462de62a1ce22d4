// The one organization (access-api 2.5, 3.6). Its team domain is the file's alone: where people
// sign in goes with the addresses that are listened on.

import type { Records } from "../../catalog/records.ts";
import type { ObjectRecord } from "../../catalog/stored-objects.ts";
import { keyOf } from "../../config/config-objects.ts";
import type { Kind } from "../../model/kind.ts";
import { organization, organizationId } from "../../model/organization.ts";
import { isMap } from "../../model/read-value.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { ownFields, showObject } from "./object-resource.ts";
import { proposeObject, refused, refuseUnchangeable, writeObjects } from "./write-object.ts";

const path = "/access/organizations";
const key = keyOf(organization.name, organizationId);

/** The routes. */
export function organizationRoutes(parts: AdminParts): Route[] {
  const endpoint = new OrganizationEndpoint(parts);
  const body = organization.fields;
  const write = "organizations:write" as const;
  return [
    {
      ...{ method: "GET", path, permission: "organizations:read" },
      summary: "Read the organization",
      handle: () => succeed(endpoint.show()),
    },
    {
      ...{ method: "POST", path, permission: write, body, status: 201 },
      summary: "Set up the organization",
      handle: (call) => endpoint.write(call, 201),
    },
    {
      ...{ method: "PUT", path, permission: write, body },
      summary: "Replace the organization",
      handle: (call) => endpoint.write(call, 200),
    },
    {
      ...{ method: "PATCH", path, permission: write, body },
      summary: "Change some fields of the organization",
      handle: (call) => endpoint.write(call, 200, "keep"),
    },
  ];
}

class OrganizationEndpoint {
  readonly #parts: AdminParts;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  show(): unknown {
    const { catalogs, config } = this.#parts;
    const records = catalogs.records();
    const record = records.get(key);
    if (record !== undefined) return this.#show(record, records);
    return { name: catalogs.current().organization.name, auth_domain: config.auth_domain };
  }

  /** @param rest whether what is left out stays as it is */
  write(call: Call, status: number, rest: "reset" | "keep" = "reset"): Promise<Answer> {
    return writeObjects(call, this.#parts, (records) => {
      const { body, token } = call;
      if (token.applications !== null) return refused(fail("not_permitted"));
      if (!isMap(body)) return refused(fail("bad_request", "The body must be a JSON object."));
      const standing = records.get(key);
      const refusal = (standing && refuseUnchangeable(standing)) ?? this.#refuseDomain(body);
      if (refusal !== undefined) return refused(refusal);

      const isKept = rest === "keep" && standing !== undefined;
      const kept = isKept ? organization.toInput(standing.object as never) : {};
      const sent = Object.entries(body).filter(([field]) => !notRead.includes(field));
      const { id: _, ...fields } = { ...kept, ...Object.fromEntries(sent) };
      const written = {
        ...{ kind: organization as unknown as Kind, id: organizationId, standing, fields },
        show: (record: ObjectRecord, among: Records) => this.#show(record, among),
      };
      return proposeObject(written, records, this.#parts, status);
    });
  }

  #show(record: ObjectRecord, records: Records): Record<string, unknown> {
    const kind = organization as unknown as Kind;
    const { id: _, ...shown } = showObject({ kind }, record, records);
    return { ...shown, auth_domain: this.#parts.config.auth_domain };
  }

  #refuseDomain({ auth_domain: asked }: Record<string, unknown>): Answer | undefined {
    const { auth_domain } = this.#parts.config;
    if (asked === undefined || asked === null || asked === auth_domain) return undefined;
    const message = "auth_domain is in the configuration file; change it there.";
    return fail("managed_by_file", message, "/auth_domain");
  }
}

const notRead = [...ownFields, "auth_domain"];

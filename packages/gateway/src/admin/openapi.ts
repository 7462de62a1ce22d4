// The description of the API (OpenAPI 3.1), made of what answers it: the routes, the schemas that
// judge what is written, and the table of errors. Nothing is described that is not there.
import { z } from "zod";
import { kinds } from "../model/kinds.ts";
import { errorCodes } from "./error-codes.ts";
import { permissionsOf, type Route } from "./route.ts";

type Json = Record<string, unknown>;

/** Where the API begins. */
const below = "/client/v4";
const account = `${below}/accounts/{account_id}`;

/**
 * Describes the API.
 * @param accountRoutes below the account
 * @param rootRoutes above it
 */
export function describeApi(accountRoutes: readonly Route[], rootRoutes: readonly Route[]): Json {
  const schemas = new SchemaTable();
  const paths: Record<string, Json> = {};
  for (const [prefix, routes] of [
    [account, accountRoutes],
    [below, rootRoutes],
  ] as const) {
    for (const route of routes) {
      const path = prefix + route.path.replaceAll(/:(\w+)/g, "{$1}");
      const item = paths[path] ?? pathItem(path);
      item[route.method.toLowerCase()] = operation(route, schemas);
      paths[path] = item;
    }
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Postern admin API",
      version: "4.0.0",
      description: "Paths, fields and answers are those of the Cloudflare v4 API for Access.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { ...schemas.all(), Failure: failure },
      responses: { Failure: failureAnswer },
    },
  };
}

function pathItem(path: string): Json {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  if (names.length === 0) return {};
  const parameters = names.map((name) => ({
    ...{ name, in: "path", required: true, schema: { type: "string" } },
  }));
  return { parameters };
}

function operation(route: Route, schemas: SchemaTable): Json {
  const { method, path, summary, query, body, status = 200 } = route;
  const described: Json = {
    operationId: operationId(method, path),
    summary,
    responses: {
      [status]: success(route),
      "4XX": { $ref: "#/components/responses/Failure" },
      "5XX": { $ref: "#/components/responses/Failure" },
    },
  };
  const [permission, ...others] = permissionsOf(route);
  if (permission !== undefined)
    described["description"] =
      `Needs the permission ${[permission, ...others].join(" and the permission ")}.`;
  const parameters = [...pagesOf(route), ...(query === undefined ? [] : parametersOf(query))];
  if (parameters.length > 0) described["parameters"] = parameters;
  if (body !== undefined)
    described["requestBody"] = {
      required: true,
      content: { "application/json": { schema: schemas.of(body) } },
    };
  return described;
}

/** `GET /access/apps/:id` → `get-access-apps-id` */
function operationId(method: string, path: string): string {
  const words = path.split("/").map((word) => word.replace(/^:/, "by-"));
  return [method.toLowerCase(), ...words].filter((word) => word !== "").join("-");
}

function success({ summary, result }: Route): Json {
  const schema = {
    type: "object",
    required: ["success", "errors", "messages", "result"],
    properties: {
      success: { const: true },
      errors: { type: "array", maxItems: 0 },
      messages: { type: "array", items: remark },
      result: result === undefined ? {} : jsonSchema(result),
      result_info: { type: "object" },
    },
  };
  return { description: summary, content: { "application/json": { schema } } };
}

const remark = {
  type: "object",
  required: ["code", "message"],
  properties: {
    code: { type: "integer", minimum: 1000 },
    message: { type: "string" },
    source: { type: "object", properties: { pointer: { type: "string" } } },
  },
};

const failure = {
  type: "object",
  required: ["success", "errors", "messages", "result"],
  properties: {
    success: { const: false },
    errors: { type: "array", minItems: 1, items: remark },
    messages: { type: "array", maxItems: 0 },
    result: { type: "null" },
  },
  description: Object.values(errorCodes)
    .map(([code, status, message]) => `- ${code} (${status}): ${message}`)
    .join("\n"),
};

const failureAnswer = {
  description: "Nothing was changed, unless the status is 503. `errors` says why.",
  content: { "application/json": { schema: { $ref: "#/components/schemas/Failure" } } },
};

/** Lists come in pages. */
function pagesOf({ method, summary, query }: Route): Json[] {
  if (method !== "GET" || query !== undefined || !summary.startsWith("List ")) return [];
  return ["page", "per_page"].map((name) => ({
    ...{ name, in: "query", schema: { type: "integer", minimum: 1 } },
  }));
}

function parametersOf(query: z.ZodObject): Json[] {
  const { properties = {} } = jsonSchema(query) as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: "query", schema }));
}

/** Schemas of kinds stand once, by their names; others where they are used. */
class SchemaTable {
  readonly #names = new Map<unknown, string>();

  constructor() {
    for (const { name, fields } of kinds.values()) this.#names.set(fields, name);
  }

  of(schema: z.ZodType): Json {
    const name = this.#names.get(schema);
    return name === undefined ? jsonSchema(schema) : { $ref: `#/components/schemas/${name}` };
  }

  all(): Record<string, Json> {
    const entries = [...kinds.values()].map(({ name, fields }) => [name, kindSchema(fields)]);
    return Object.fromEntries(entries);
  }
}

/** What is written of an object: its id is ours to give. */
function kindSchema(fields: z.ZodObject): Json {
  const { required = [], ...schema } = jsonSchema(fields) as { required?: string[] };
  const needed = required.filter((field) => field !== "id");
  return needed.length === 0 ? schema : { ...schema, required: needed };
}

/** What a schema takes; what can only be said by a program is left open. */
function jsonSchema(schema: z.ZodType): Json {
  const options = { io: "input", unrepresentable: "any" } as const;
  const { $schema: _, ...described } = z.toJSONSchema(schema, options);
  return described;
}

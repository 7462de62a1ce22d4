// `/access/logs/access_requests`: the access log, with the query of Cloudflare's API (access-api
// 3.8). An operator stands beside its filter as `<filter>Op`; filters that clients send and that
// mean nothing here are ignored, others that are wrong are refused.
import { z } from "zod";
import { defined } from "../../defined.ts";
import { unknownFields } from "../../observe/access-rows.ts";
import type {
  AccessFilter,
  AccessFilterField,
  AccessLogQuery,
  StoredAccessEvent,
} from "../../storage/access-log.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";

const defaultLimit = 25;
const largestLimit = 1_000;
/** Rows before a page, at most: who wants to read all asks by time. */
const largestOffset = 1_000_000;

/** What a client may ask for. */
const query = z.object({
  limit: z.coerce.number().int().min(1).optional(),
  page: z.coerce.number().int().min(1).optional(),
  per_page: z.coerce.number().int().min(1).optional(),
  direction: z.enum(["asc", "desc"]).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  email: z.string().optional(),
  email_exact: z.enum(["true", "false"]).optional(),
  emailOp: z.enum(["eq", "neq", "contains"]).optional(),
  fields: z.string().optional(),
  action: z.string().optional(),
  allowed: z.enum(["true", "false"]).optional(),
  app_type: z.string().optional(),
  app_uid: z.string().optional(),
  country_code: z.string().optional(),
  idp: z.string().optional(),
  non_identity: z.enum(["true", "false"]).optional(),
  ray_id: z.string().optional(),
});

type Query = z.infer<typeof query>;

/** Parameter → field. */
const filters = {
  action: "action",
  allowed: "allowed",
  app_type: "app_type",
  app_uid: "app_uid",
  country_code: "country",
  idp: "idp",
  non_identity: "non_identity",
  ray_id: "ray_id",
} as const satisfies Partial<Record<keyof Query, AccessFilterField>>;

type FilterName = keyof typeof filters;

const flags: ReadonlySet<FilterName> = new Set<FilterName>(["allowed", "non_identity"]);

/** The route of the access log. */
export function accessRequestRoutes(parts: Pick<AdminParts, "store">): Route[] {
  return [
    {
      method: "GET",
      path: "/access/logs/access_requests",
      permission: "audit_logs:read",
      summary: "List sign-ins, sign-outs and, where they are kept, requests",
      query,
      handle: (call) => list(parts, call),
    },
  ];
}

async function list(
  { store }: Pick<AdminParts, "store">,
  { query: asked, token }: Call,
): Promise<Answer> {
  const reading = query.safeParse(Object.fromEntries(asked));
  if (!reading.success) return refuseQuery(reading.error);
  const operators = operatorsIn(asked);
  if (!operators.ok) return fail("bad_request", `${operators.name} must be eq or neq.`);
  const wanted = queryOf(reading.data, operators.negated);
  if ((wanted.offset ?? 0) > largestOffset)
    return fail("bad_request", "The page is too far from the beginning; ask with since and until.");
  const rows = await store.accessLog.list(withinReach(wanted, token));
  const fields = reading.data.fields?.split(",").map((field) => field.trim());
  return succeed(rows.map((row) => chosen(entryOf(row), fields)));
}

/** What happened elsewhere than at its applications is not for a token that is for some alone. */
export function withinReach(
  query: AccessLogQuery,
  { applications }: Call["token"],
): AccessLogQuery {
  if (applications === null) return query;
  const own: AccessFilter = { field: "app_uid", operator: "in", value: applications };
  return { ...query, filters: [...query.filters, own] };
}

function refuseQuery({ issues }: z.ZodError): Answer {
  const [issue] = issues;
  const name = String(issue?.path[0] ?? "the query");
  return fail("bad_request", `${name} cannot be read: ${issue?.message ?? "it is wrong"}.`);
}

/** Filters that are to leave what they would choose. */
function operatorsIn(
  asked: URLSearchParams,
): { ok: true; negated: ReadonlySet<FilterName> } | { ok: false; name: string } {
  const negated = new Set<FilterName>();
  for (const filter of Object.keys(filters) as FilterName[]) {
    const name = `${filter}Op`;
    const operator = asked.get(name) ?? "eq";
    if (operator !== "eq" && operator !== "neq") return { ok: false, name };
    if (operator === "neq") negated.add(filter);
  }
  return { ok: true, negated };
}

function queryOf(asked: Query, negated: ReadonlySet<FilterName>): AccessLogQuery {
  const limit = Math.min(asked.per_page ?? asked.limit ?? defaultLimit, largestLimit);
  const chosenFilters = (Object.keys(filters) as FilterName[]).flatMap((name): AccessFilter[] => {
    const text = asked[name];
    if (text === undefined || text === "") return [];
    const value = flags.has(name) ? text === "true" : text;
    return [{ field: filters[name], operator: negated.has(name) ? "neq" : "eq", value }];
  });
  return {
    direction: asked.direction ?? "desc",
    limit,
    offset: ((asked.page ?? 1) - 1) * limit,
    filters: [...chosenFilters, ...emailFilter(asked)],
    ...defined({ since: timeOf(asked.since), until: timeOf(asked.until) }),
  };
}

/** A part of the address, unless the client wants all of it. */
function emailFilter({ email, email_exact, emailOp = "contains" }: Query): AccessFilter[] {
  if (email === undefined || email === "") return [];
  const operator = email_exact === "true" ? "eq" : emailOp;
  return [{ field: "user_email", operator, value: email }];
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

/** A row as the API shows it. */
export function entryOf({ id: _, facts, ...row }: StoredAccessEvent): Record<string, unknown> {
  return {
    ...row,
    created_at: new Date(row.created_at).toISOString(),
    ...unknownFields,
    facts: facts === null ? null : JSON.parse(facts),
  };
}

/** The fields that a client asks for; without such a wish, all. */
function chosen(
  entry: Record<string, unknown>,
  fields: readonly string[] | undefined,
): Record<string, unknown> {
  if (fields === undefined) return entry;
  return Object.fromEntries(Object.entries(entry).filter(([name]) => fields.includes(name)));
}

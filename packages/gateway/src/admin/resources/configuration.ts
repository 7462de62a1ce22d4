// [ext] Everything that is configured, as files have it: read in pages, and changed in one step,
// all that is asked for or nothing (docs/configuration-as-code.md).
import { z } from "zod";
import { recordsInOrder, toAccountObject } from "../../apply/account-object.ts";
import { type ChangeProposal, type ChangeRequest, proposeChanges } from "../../apply/changes.ts";
import type { Records } from "../../catalog/records.ts";
import { runInSlices } from "../../catalog/steps.ts";
import type { ObjectKind } from "../../model/kinds.ts";
import { fieldName } from "../../model/problem.ts";
import { itemsOf } from "../../model/read-value.ts";
import type { StoredAuditEntry } from "../../storage/admin-records.ts";
import type { AdminParts } from "../admin-parts.ts";
import { auditEntry, recordChange } from "../audit.ts";
import { apiError } from "../error-codes.ts";
import { pageOf } from "../pages.ts";
import { type Permission, permits } from "../permissions.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { firstOf, pointerTo } from "./judge-object.ts";

const path = "/configuration";

const changes = z.strictObject({
  put: z
    .array(
      z.strictObject({
        kind: z.string(),
        id: z.string(),
        fields: z.record(z.string(), z.unknown()),
        before: z.string().nullable(),
      }),
    )
    .default([]),
  remove: z
    .array(z.strictObject({ kind: z.string(), id: z.string(), before: z.string() }))
    .default([]),
  dry_run: z.boolean().default(false),
});

/** kind → what a token needs to change it; to read any, it needs to read all */
const needed: Readonly<Record<ObjectKind, Permission>> = {
  application: "apps:write",
  policy: "apps:write",
  group: "organizations:write",
  identity_provider: "organizations:write",
  organization: "organizations:write",
  service_token: "service_tokens:write",
  list: "lists:write",
  tag: "apps:write",
};
/** What a token needs to read all of it. */
export const toRead = {
  permission: "apps:read",
  alsoNeeds: ["organizations:read", "service_tokens:read", "lists:read"],
} as const;

/** A file of a thousand applications is a few mebibytes of JSON. */
export const longestBody = 16 * 1024 * 1024;

/** Objects of one change. */
const mostObjects = 10_000;

/** How many objects a body is about; they are read one by one, which takes its time. */
function sizeOf(body: unknown): number {
  return itemsOf(body, "put").length + itemsOf(body, "remove").length;
}

/** The routes. */
export function configurationRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "GET", path, ...toRead },
      summary: "List the objects of all kinds, as files have them",
      handle: (call) => list(call, parts),
    },
    {
      ...{ method: "PATCH", path, ...toRead, body: changes, longestBody },
      summary: "Put and remove objects of all kinds in one step",
      handle: (call) => change(call, parts),
    },
  ];
}

function list(call: Call, { catalogs }: AdminParts): Answer {
  const refusal = refuse(call, []);
  if (refusal !== undefined) return refusal;
  return pageOf(recordsInOrder(catalogs.records()), call.query, toAccountObject);
}

/** @returns undefined where the token permits all of it */
function refuse({ token }: Call, permissions: readonly Permission[]): Answer | undefined {
  if (token.applications !== null) return fail("not_permitted");
  const lacking = permissions.find((each) => !permits(token.permissions, each));
  if (lacking === undefined) return undefined;
  return fail("not_permitted", `The token lacks the permission ${lacking}.`);
}

async function change(call: Call, parts: AdminParts): Promise<Answer> {
  if (sizeOf(call.body) > mostObjects)
    return fail("bad_request", `A change is of ${mostObjects} objects at most; divide it.`);
  const reading = changes.safeParse(call.body);
  if (!reading.success) {
    const [issue] = reading.error.issues;
    const at = (issue?.path ?? []).map(String);
    return fail("bad_request", "The body is no list of changes.", pointerTo(at));
  }
  const { dry_run, ...request } = reading.data;
  const kinds = [...request.put, ...request.remove].map(({ kind }) => kind);
  const permissions = kinds.flatMap((kind) =>
    Object.hasOwn(needed, kind) ? needed[kind as ObjectKind] : [],
  );
  const refusal = refuse(call, permissions);
  return refusal ?? (await edit(call, parts, request, dry_run));
}

async function edit(
  call: Call,
  parts: AdminParts,
  request: ChangeRequest,
  isTrial: boolean,
): Promise<Answer> {
  let entries: StoredAuditEntry[] = [];
  const answer = await parts.edit(async (records): Promise<Edit> => {
    // It may be judged anew, where another gateway was quicker.
    entries = [];
    const proposal = await propose(request, records, parts);
    const result = answerOf(proposal, request);
    if (!proposal.ok || isTrial) return { put: [], remove: [], audit: [], result };
    entries = proposal.changes.map((each) => auditEntry(call, each, parts));
    return { put: proposal.put, remove: proposal.remove, audit: entries, result };
  });
  for (const entry of entries) recordChange(entry, parts);
  return answer;
}

/** What would become of a request, without doing it. */
export function propose(
  request: ChangeRequest,
  records: Records,
  { config, now, randomBytes }: AdminParts,
): Promise<ChangeProposal> {
  const surroundings = {
    ownHosts: new Set([config.team_host, ...config.relay_hosts]),
    hasMail: config.smtp !== undefined,
    knowsCountries: config.geoip_file !== undefined,
  };
  const tools = { surroundings, now: now(), randomBytes };
  return runInSlices(proposeChanges(request, records, tools));
}

type Edit = Awaited<ReturnType<Parameters<AdminParts["edit"]>[0]>> & { result: Answer };

/** What is told of it. */
export function answerOf(proposal: ChangeProposal, { put }: ChangeRequest): Answer {
  const remark = (name: "invalid" | "warning", { path, what }: Problem) => {
    const [, , ...field] = path;
    const { fields } = put[Number(path[1])] ?? {};
    const subject = fieldName(field) || `The object ${JSON.stringify(fields?.["name"] ?? "")}`;
    return apiError(name, `${subject} ${what}.`, pointerTo(path));
  };
  if (!proposal.ok)
    return {
      ok: false,
      status: 400,
      errors: firstOf("invalid", proposal.problems, (problem) => remark("invalid", problem)),
    };
  const { changes, missing, warnings } = proposal;
  const messages = firstOf("warning", warnings, (warning) => remark("warning", warning));
  return { ...succeed({ changes, missing }), messages };
}

type Problem = Extract<ChangeProposal, { ok: false }>["problems"][number];

// [ext] Why decisions are what they are: of somebody who is described, at an address, and of what
// was recorded under a ray ID, which stands on the page of whoever was refused
// (docs/decisions-explained.md).
import { z } from "zod";
import { type AskedFacts, type Question, readQuestion } from "../../analysis/asked-facts.ts";
import { namesIn } from "../../analysis/catalog-names.ts";
import { explainRecorded, rowsOfRay } from "../../analysis/explain-recorded.ts";
import { explanationData } from "../../analysis/explanation-data.ts";
import { defined } from "../../defined.ts";
import { explain } from "../../policy/explain.ts";
import { UsageError } from "../../usage-error.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type Answer, type Call, type Failure, fail, type Route, succeed } from "../route.ts";
import { entryOf, withinReach } from "./access-requests.ts";
import { visibleExplanation } from "./visible-explanation.ts";

const path = "/access/decisions";

const body = z.strictObject({
  url: z.string(),
  email: z.string().optional(),
  login_method: z.string().optional(),
  auth_methods: z.array(z.string()).default([]),
  groups: z.array(z.string()).default([]),
  claims: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
  service_token: z.string().optional(),
  ip: z.string().optional(),
  country: z.string().optional(),
  method: z.string().default("GET"),
});

/** The routes. */
export function decisionRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "POST", path: `${path}/explain`, permission: "apps:read", body },
      summary: "[ext] Say what policy decides about somebody at an address, and why",
      handle: (call) => explainAsked(call, parts),
    },
    {
      ...{ method: "GET", path: `${path}/rays/:ray_id`, permission: "audit_logs:read" },
      alsoNeeds: ["apps:read"],
      summary: "[ext] Say why what was recorded under a ray ID was decided so",
      handle: (call) => explainRay(call, parts),
    },
  ];
}

function explainAsked({ body: sent, token }: Call, { catalogs }: AdminParts): Answer {
  const reading = body.safeParse(sent);
  if (!reading.success) return refuseBody(reading.error);
  const asked = reading.data;
  const catalog = catalogs.current();
  // By their names others would be found out.
  if (token.applications !== null && asked.service_token !== undefined)
    return fail("not_permitted", "A token for some applications cannot ask for service tokens.");
  const question = tryQuestion(() => readQuestion(catalog, flagsOf(asked)));
  if (!("facts" in question)) return question;
  const { application, facts } = question;
  const { id, name } = application;
  if (token.applications?.includes(id) === false) return fail("not_found", nowhere);
  const explanation = explain(application.policies, facts);
  return succeed({
    application: { id, name },
    facts,
    ...explanationData(visibleExplanation(explanation, token), namesIn(catalog)),
  });
}

const nowhere = "The address belongs to no application; check the host and the path.";

/** What cannot be asked is a mistake of whoever asks. */
function tryQuestion(read: () => Question): Question | Failure {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const isNowhere = error.message.includes("belongs to no application");
    if (isNowhere) return fail("not_found", nowhere) as Failure;
    return fail("invalid", `${error.message}.`) as Failure;
  }
}

function flagsOf(asked: z.infer<typeof body>): AskedFacts {
  const { url, email, login_method, service_token, ip, country, method } = asked;
  const { groups, auth_methods: authMethods } = asked;
  const claims = Object.entries(asked.claims).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}=${each}`),
  );
  return defined({
    ...{ url, email, ip, country, method, groups, claims, authMethods },
    loginMethod: login_method,
    serviceToken: service_token,
  });
}

function refuseBody({ issues: [issue] }: z.ZodError): Answer {
  const [unknown] = issue?.code === "unrecognized_keys" ? issue.keys : [];
  const at = unknown === undefined ? (issue?.path ?? []) : [unknown];
  if (at.length === 0) return fail("bad_request", "The body must be a JSON object.");
  const what = unknown === undefined ? "is missing, or no value for it" : "is no field here";
  return fail("invalid", `${at.join(".")} ${what}.`, `/${at.join("/")}`);
}

async function explainRay(call: Call, { store, catalogs }: AdminParts): Promise<Answer> {
  const ray = call.params["ray_id"] ?? "";
  const rows = await store.accessLog.list(withinReach(rowsOfRay(ray), call.token));
  if (rows.length === 0)
    return fail(
      "not_found",
      "Nothing was recorded under this ID; sign-ins always are, requests where log.requests is decisions.",
    );
  const catalog = catalogs.current();
  const names = namesIn(catalog);
  const { applications } = call.token;
  return succeed(
    rows.map((row) => {
      const { application, explanation } = explainRecorded(catalog, row);
      // What it would be now may be another application's, which a narrow token does not see.
      const isSeen = application !== undefined && (applications?.includes(application.id) ?? true);
      const recorded = entryOf(row);
      if (explanation === undefined || !isSeen) return { recorded, now: null };
      const visible = visibleExplanation(explanation, call.token);
      return { recorded, now: explanationData(visible, names) };
    }),
  );
}

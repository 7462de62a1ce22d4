// `/access/apps/{id}/settings` (access-api 2.1): two fields of an application by themselves. PUT
// sets back what it leaves out, PATCH keeps it.
import { z } from "zod";
import { keyOf } from "../../config/config-objects.ts";
import { application, type StoredApplication } from "../../model/application.ts";
import type { Kind } from "../../model/kind.ts";
import { isMap } from "../../model/read-value.ts";
import type { AdminParts } from "../admin-parts.ts";
import { type Answer, type Call, fail, type Route } from "../route.ts";
import { applicationsOf } from "./applications.ts";
import { labelFor } from "./judge-object.ts";
import { sees, showObject } from "./object-resource.ts";
import { proposeObject, refused, refuseUnchangeable, writeObjects } from "./write-object.ts";

const path = "/access/apps/:id/settings";
const body = z.strictObject({
  allow_iframe: z.boolean().nullish(),
  skip_interstitial: z.boolean().nullish(),
});

/** The routes. */
export function applicationSettingRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "PUT", path, permission: "apps:write", body },
      summary: "Replace the settings of an application",
      handle: (call) => change(call, parts, { allow_iframe: false, skip_interstitial: false }),
    },
    {
      ...{ method: "PATCH", path, permission: "apps:write", body },
      summary: "Change settings of an application",
      handle: (call) => change(call, parts, {}),
    },
  ];
}

/** @param defaults of what is left out */
async function change(call: Call, parts: AdminParts, defaults: object): Promise<Answer> {
  const { params, token } = call;
  if (!isMap(call.body)) return fail("bad_request", "The body must be a JSON object.");
  const reading = body.safeParse(call.body);
  if (!reading.success) return refuse(reading.error);
  const resource = applicationsOf(parts);
  const answer = await writeObjects(call, parts, (records) => {
    const standing = records.get(keyOf(application.name, params["id"] ?? ""));
    if (standing === undefined || !sees(resource, token, standing, records))
      return refused(fail("not_found"));
    const refusal = refuseUnchangeable(standing);
    if (refusal !== undefined) return refused(refusal);
    const { id: _, ...fields } = application.toInput(standing.object as StoredApplication);
    return proposeObject(
      {
        ...{ kind: application as unknown as Kind, id: standing.object.id, standing },
        fields: { ...fields, ...defaults, ...reading.data },
        label: labelFor(token),
        show: (record, among) => showObject(resource, record, among),
      },
      records,
      parts,
      200,
    );
  });
  if (!answer.ok) return answer;
  const { allow_iframe = false, skip_interstitial = false } = answer.result as Settings;
  return { ...answer, result: { allow_iframe, skip_interstitial } };
}

interface Settings {
  allow_iframe?: boolean;
  skip_interstitial?: boolean;
}

function refuse({ issues: [issue] }: z.ZodError): Answer {
  const [unknown] = issue?.code === "unrecognized_keys" ? issue.keys : [];
  const field = unknown ?? String(issue?.path[0]);
  const what =
    unknown === undefined ? "must be true or false" : "is no setting; change it at the application";
  return fail("invalid", `${field} ${what}.`, `/${field}`);
}

// `/client/v4/openapi.json`: what the API is, for everybody who reaches it. It says nothing of what
// is configured.
import { describeApi } from "../openapi.ts";
import type { PlainRoute } from "../plain-route.ts";
import type { Route } from "../route.ts";

/** The route of the description. */
export function descriptionRoute(
  accountRoutes: readonly Route[],
  rootRoutes: readonly Route[],
): PlainRoute {
  let text: string | undefined;
  return {
    path: "/client/v4/openapi.json",
    handle() {
      text ??= JSON.stringify(describeApi(accountRoutes, rootRoutes));
      return { status: 200, type: "application/json", body: text };
    },
  };
}

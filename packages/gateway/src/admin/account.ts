// The account itself: a gateway has one. Clients ask for it to find out its id, and whether their
// token is one.
import type { AdminParts } from "./admin-parts.ts";
import { pageOf } from "./pages.ts";
import { type Call, fail, type Route, succeed } from "./route.ts";

/** Routes that stand above the account, below `/client/v4`. */
export function rootRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "GET", path: "/accounts" },
      summary: "List the accounts",
      handle: ({ query }) => pageOf([showAccount(parts)], query, (account) => account),
    },
    {
      ...{ method: "GET", path: "/accounts/:account_id" },
      summary: "Read the account",
      handle: ({ params }) =>
        params["account_id"] === parts.accountId ? succeed(showAccount(parts)) : fail("no_account"),
    },
    {
      ...{ method: "GET", path: "/user/tokens/verify" },
      summary: "Say whether the token is one",
      handle: verifyToken,
    },
  ];
}

/** The same below the account, as Cloudflare's tokens of an account have it. */
export function accountTokenRoutes(): Route[] {
  return [
    {
      ...{ method: "GET", path: "/tokens/verify" },
      summary: "Say whether the token is one",
      handle: verifyToken,
    },
  ];
}

function showAccount({ accountId: id, catalogs }: AdminParts): object {
  return { id, name: catalogs.current().organization.name, type: "standard", settings: {} };
}

function verifyToken({ token: { id, expires_at } }: Call) {
  const expires_on = expires_at === null ? undefined : new Date(expires_at).toISOString();
  return succeed({ id, status: "active", expires_on });
}

// What is served beside the API: metrics, health.
import type { Permission } from "./permissions.ts";
import type { AdminToken } from "./tokens/admin-tokens.ts";

/** What a plain route answers. */
export interface PlainAnswer {
  status: number;
  /** content type */
  type: string;
  body: string;
}

/** Something outside of the API, by its whole path, for GET alone: health, metrics. */
export interface PlainRoute {
  path: string;
  /** absent: nobody is asked for a token */
  permission?: Permission;
  handle(token?: AdminToken): PlainAnswer | Promise<PlainAnswer>;
}

import type { Migration } from "kysely/migration";
import { initial } from "./0001-initial.ts";
import { changes } from "./0002-changes.ts";
import { approvedSession } from "./0003-approved-session.ts";
import { sshAuthorities } from "./0004-ssh-authorities.ts";
import { opening } from "./0005-opening.ts";
import { grants } from "./0006-grants.ts";
import { boundSessions } from "./0007-bound-sessions.ts";
import { adminTokens } from "./0008-admin-tokens.ts";
import { audit } from "./0009-audit.ts";
import { accessLog } from "./0010-access-log.ts";
import { peopleAndRevocation } from "./0011-people-and-revocation.ts";
import { sessionApplications } from "./0012-session-applications.ts";
import { deniedAccess } from "./0013-denied-access.ts";
import { policyTests } from "./0014-policy-tests.ts";

/**
 * In the order of their names, which is the order in which they run. A released migration never
 * changes.
 */
export const migrations: Record<string, Migration> = {
  "0001-initial": initial,
  "0002-changes": changes,
  "0003-approved-session": approvedSession,
  "0004-ssh-authorities": sshAuthorities,
  "0005-opening": opening,
  "0006-grants": grants,
  "0007-bound-sessions": boundSessions,
  "0008-admin-tokens": adminTokens,
  "0009-audit": audit,
  "0010-access-log": accessLog,
  "0011-people-and-revocation": peopleAndRevocation,
  "0012-session-applications": sessionApplications,
  "0013-denied-access": deniedAccess,
  "0014-policy-tests": policyTests,
};

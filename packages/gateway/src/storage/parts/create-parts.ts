import type { ChangeWriter } from "../change-feed.ts";
import type { Database } from "../schema.ts";
import type { StoreParts } from "../store.ts";
import { createAccessLog } from "./access-log.ts";
import { createAdminTokens } from "./admin-tokens.ts";
import { createAudit } from "./audit.ts";
import { createCounters } from "./counters.ts";
import { createGenerations } from "./generations.ts";
import { createGrants } from "./grants.ts";
import { createHandovers } from "./handovers.ts";
import { createKeys } from "./keys.ts";
import { createObjects } from "./objects.ts";
import { createPins } from "./pins.ts";
import { createPolicyTests } from "./policy-tests.ts";
import { createSessions } from "./sessions.ts";
import { createSettings } from "./settings.ts";
import { createSshAuthorities } from "./ssh-authorities.ts";
import { createTokenUses } from "./token-uses.ts";
import { createTransfers } from "./transfers.ts";
import { createUseCounts } from "./use-counts.ts";
import { createUsers } from "./users.ts";

/** The parts of a store in SQL, whichever database is behind it. */
export function createParts(db: Database, changes: ChangeWriter): StoreParts {
  return {
    settings: createSettings(db),
    objects: createObjects(db, changes),
    keys: createKeys(db, changes),
    sshAuthorities: createSshAuthorities(db),
    users: createUsers(db, changes),
    sessions: createSessions(db, changes),
    generations: createGenerations(db, changes),
    tokenUses: createTokenUses(db),
    grants: createGrants(db),
    useCounts: createUseCounts(db),
    handovers: createHandovers(db),
    pins: createPins(db),
    counters: createCounters(db),
    transfers: createTransfers(db, changes),
    accessLog: createAccessLog(db),
    adminTokens: createAdminTokens(db),
    audit: createAudit(db),
    policyTests: createPolicyTests(db),
  };
}

import type { ServiceTokenFlags } from "../../sign-in/service-token.ts";
import type { CommandLine } from "../command-line.ts";

/** What the flags say of a service token. */
export function serviceTokenOf(line: CommandLine): ServiceTokenFlags {
  return {
    id: line.value("service-token-id"),
    secret: line.value("service-token-secret"),
    secretFile: line.value("service-token-secret-file"),
  };
}

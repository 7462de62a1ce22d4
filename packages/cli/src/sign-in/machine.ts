import type { Application } from "../store/known-hosts.ts";

/** Header fields, names in lower case. */
export type HeaderFields = Record<string, string>;

/** What a program shows instead of a person's token. */
export interface MachineCredential {
  kind: "service_token" | "workload_token";
  /** as messages name it: `the service token robot.access` */
  name: string;
  /** what to look at when a gateway refuses it */
  remedy: string;
  /** the variables that hold it or lead to it: a tool does not inherit them */
  variables: readonly string[];
  /**
   * The fields that carry it in a request to the application, which has proved to be behind Access.
   * @throws {CliError} where there is none to be had
   */
  fieldsFor(application: Application): Promise<HeaderFields>;
  /** A gateway refused the fields: what is kept of them is not given again. */
  forget(): void;
}

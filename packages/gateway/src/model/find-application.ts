// The application that somebody at the command line means, by its name, id or domain.

import { UsageError } from "../usage-error.ts";
import type { Application } from "./model.ts";

/** Names that a complaint lists. */
const longestList = 20;

/** @throws {UsageError} when it is none of these, or several; in one line, with what to write */
export function findApplication(applications: readonly Application[], wanted: string): Application {
  const matches = applications.filter(
    ({ id, name, domains }) => name === wanted || id === wanted || domains.includes(wanted),
  );
  const [application] = matches;
  if (application === undefined) {
    const names = listOf(applications.map(({ name }) => name));
    const remedy = "a new one is there once the gateway has applied the configuration";
    throw new UsageError(`no application "${wanted}" is in effect, but ${names}; ${remedy}`);
  }
  if (matches.length > 1) {
    const domains = listOf(matches.map(({ domains: [domain = ""] }) => domain));
    throw new UsageError(
      `several applications are "${wanted}"; name one by its domain: ${domains}`,
    );
  }
  return application;
}

function listOf(names: readonly string[]): string {
  if (names.length === 0) return "none at all";
  const rest = names.length - longestList;
  const list = names.slice(0, longestList).join(", ");
  return rest > 0 ? `${list} and ${rest} more` : list;
}

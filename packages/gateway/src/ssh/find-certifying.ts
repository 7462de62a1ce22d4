import { findApplication } from "../model/find-application.ts";
import type { Application } from "../model/model.ts";
import { UsageError } from "../usage-error.ts";

/**
 * The application that somebody at the command line means, which signs SSH certificates.
 * @throws {UsageError} when it is none, several, or signs no certificates; in one line
 */
export function findCertifying(applications: readonly Application[], wanted: string): Application {
  const application = findApplication(applications, wanted);
  if (application.ssh_certificates === undefined)
    throw new UsageError(
      `the application "${application.name}" signs no SSH certificates; add ssh_certificates: {email_domains: [example.com]} to it, with your own domain, and let the gateway apply that`,
    );
  return application;
}

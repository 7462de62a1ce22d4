// `ssh_certificates` of an application: for whom the gateway signs SSH certificates, and what they
// allow. Without the field it signs none.
import { z } from "zod";
import { duration, emailDomain } from "./values.ts";

/** What sshd may open beyond commands and files, by OpenSSH's names. */
const extension = z.enum([
  "permit-pty",
  "permit-port-forwarding",
  "permit-agent-forwarding",
  "permit-X11-forwarding",
  "permit-user-rc",
]);

/** [ext] `ssh_certificates` */
export const sshCertificates = z.strictObject({
  /** whose part before the `@` is the account's name */
  email_domains: z
    .array(emailDomain)
    .min(1, { message: "is empty; list the domains whose addresses name accounts" }),
  duration: duration({ from: "1m", to: "30m" }).default("5m"),
  /** a terminal is all that ssh, scp, git and rsync need */
  extensions: z.array(extension).default(["permit-pty"]),
});

export type SshCertificates = z.infer<typeof sshCertificates>;

// What a file says must stay so: somebody, an application or a URL, and the answer that is
// expected. Run whenever the file is read: one that fails is a mistake of the file.
import { z } from "zod";
import { emailAddress, objectName, someText, text } from "../model/values.ts";

const url = text((source) => {
  const full = source.includes("://") ? source : `https://${source}`;
  if (!URL.canParse(full)) throw new Error("is not a URL; write one like app.example.com/reports");
  const { hostname, pathname } = new URL(full);
  return `${hostname}${pathname}`;
});

const values = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

/** One test. Who asks: a person, a program with a service token, or else a stranger. */
export const accessTest = z.strictObject({
  name: objectName.optional(),
  url: url.optional(),
  application: someText.optional(),
  email: emailAddress.optional(),
  login_method: someText.optional(),
  auth_methods: z.array(z.string()).optional(),
  claims: z.record(z.string(), values).optional(),
  groups: z.array(z.string()).optional(),
  service_token: someText.optional(),
  ip: z.union([z.ipv4(), z.ipv6()]).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, { message: "is not a country; write two letters, like PT" })
    .optional(),
  method: z.string().min(1).optional(),
  path: z.string().regex(/^\//, { message: "is not a path; it begins with /" }).optional(),
  expect: z.enum(["allow", "deny", "login", "bypass"]),
  policy: someText.optional(),
});

/** A test as it is written. */
export type AccessTest = z.infer<typeof accessTest>;

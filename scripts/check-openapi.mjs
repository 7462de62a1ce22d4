// Holds the description of the admin API to OpenAPI 3.1, and to the routes: each is described,
// under a name of its own.
import { Validator } from "@seriousme/openapi-schema-validator";
import { rootRoutes } from "../packages/gateway/src/admin/account.ts";
import { describeApi } from "../packages/gateway/src/admin/openapi.ts";
import { accountRoutes } from "../packages/gateway/src/admin/routes.ts";

// Nothing is asked of the parts before a request comes: routes only take what they need.
const parts = { store: {} };
const [below, above] = [accountRoutes(parts), rootRoutes(parts)];
const description = JSON.parse(JSON.stringify(describeApi(below, above)));

const { valid, errors } = await new Validator().validate(description);
const offences = valid ? [] : [JSON.stringify(errors, null, 2)];

const described = Object.entries(description.paths).flatMap(([path, item]) =>
  Object.keys(item)
    .filter((key) => key !== "parameters")
    .map((method) => ({ method, path, operation: item[method] })),
);
if (described.length !== below.length + above.length)
  offences.push(
    `${below.length + above.length} routes, of which ${described.length} are described`,
  );
const names = described.map(({ operation }) => operation.operationId);
for (const name of names)
  if (names.indexOf(name) !== names.lastIndexOf(name)) offences.push(`${name} is described twice`);

for (const offence of offences) console.error(offence);
if (offences.length > 0) process.exitCode = 1;

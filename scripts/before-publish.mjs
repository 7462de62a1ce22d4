// Refuses to publish a package whose addresses are still to be filled in: nobody may be sent to a
// host that is not there. Runs in the package's folder, as its `prepublishOnly`.
import { readFileSync } from "node:fs";

const { homepage, repository, bugs } = JSON.parse(readFileSync("package.json", "utf8"));
const unset = [homepage, repository.url, bugs.url].filter((url) =>
  /^(git\+)?https:\/\/([^/]+\.)?example\//.test(url),
);
if (unset.length > 0) {
  console.error(`package.json: say where the project lives before publishing: ${unset.join(", ")}`);
  process.exit(1);
}

// The Debian package of the command line, made by dpkg-deb alone (docs/adr/0026). It has no scripts
// that run at installation: files come, and files go.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";

const maintainer = "Postern <maintainers@postern.example>";
const share = "usr/share";

/**
 * Builds the package of what `npm run build` has made.
 * @param builtAt seconds since the epoch: the date of every file in it
 * @returns its path
 */
export function buildDebianPackage({ root, target, manifest, builtAt }) {
  const tree = mkdtempSync(join(tmpdir(), "postern-debian-"));
  try {
    chmodSync(tree, 0o755);
    const version = `${manifest.version}-1`;
    installProgram(tree, join(root, "packages/cli"));
    installDocuments(tree, { root, version, builtAt });
    writeControl(tree, manifest, version);
    const output = join(target, `postern_${version}_all.deb`);
    execFileSync("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", tree, output], {
      stdio: "pipe",
      // Whatever is newer in the archive gets this date.
      env: { ...process.env, SOURCE_DATE_EPOCH: String(builtAt) },
    });
    return output;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

function installProgram(tree, cli) {
  const program = `${share}/postern/dist/postern.cjs`;
  installFile(tree, program, readFileSync(join(cli, "dist/postern.cjs")));
  chmodSync(join(tree, program), 0o755);
  makeFolder(join(tree, "usr/bin"));
  symlinkSync("../share/postern/dist/postern.cjs", join(tree, "usr/bin/postern"));

  for (const name of readdirSync(join(cli, "dist/man")))
    installCompressed(tree, `${share}/man/man1/${name}.gz`, join(cli, "dist/man", name));
  const completions = {
    "postern.bash": "bash-completion/completions/postern",
    _postern: "zsh/vendor-completions/_postern",
    "postern.fish": "fish/vendor_completions.d/postern.fish",
  };
  for (const [name, path] of Object.entries(completions))
    installFile(tree, `${share}/${path}`, readFileSync(join(cli, "dist/completions", name)));
}

function installDocuments(tree, { root, version, builtAt }) {
  const folder = `${share}/doc/postern`;
  installCompressed(tree, `${folder}/changelog.gz`, join(root, "CHANGELOG.md"));
  const entry = changelogEntry(version, builtAt);
  installFile(tree, `${folder}/changelog.Debian.gz`, gzip(Buffer.from(entry)));
  const licences = readFileSync(join(root, "packages/cli/dist/THIRD-PARTY-LICENSES.txt"), "utf8");
  installFile(tree, `${folder}/copyright`, `${copyright}\n${licences}`);
}

const copyright = `Postern is under the Apache License, version 2.0. On Debian systems its text is in
/usr/share/common-licenses/Apache-2.0.

The program contains what follows, each under the licence that stands with it.
`;

function changelogEntry(version, builtAt) {
  const date = new Date(builtAt * 1000).toUTCString().replace("GMT", "+0000");
  return `postern (${version}) unstable; urgency=medium

  * See changelog.gz.

 -- ${maintainer}  ${date}
`;
}

function writeControl(tree, { description, homepage, engines }, version) {
  const files = filesBelow(tree);
  const size = files.reduce((sum, path) => sum + Math.ceil(statSync(path).size / 1024), 0);
  const oldestNode = engines.node.replace(/^>=/, "");
  const control = `Package: postern
Version: ${version}
Architecture: all
Maintainer: ${maintainer}
Installed-Size: ${size}
Depends: nodejs (>= ${oldestNode})
Recommends: curl
Section: net
Priority: optional
Homepage: ${homepage}
Description: ${description[0].toLowerCase()}${description.slice(1)}
 Signs in through the browser, keeps the tokens, and hands them to curl and
 other tools. Takes the same commands as "cloudflared access", and works with
 Cloudflare Access as well as with Postern's own gateway.
`;
  const sums = files.map((path) => `${md5Of(path)}  ${relative(tree, path)}\n`);
  installFile(tree, "DEBIAN/control", control);
  installFile(tree, "DEBIAN/md5sums", sums.join(""));
}

/** Regular files, in an order of their own. */
function filesBelow(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** MD5 is what dpkg compares installed files by. */
function md5Of(path) {
  return createHash("md5").update(readFileSync(path)).digest("hex");
}

function installCompressed(tree, path, source) {
  installFile(tree, path, gzip(readFileSync(source)));
}

/** Without a date in it. */
function gzip(bytes) {
  return gzipSync(bytes, { level: 9 });
}

/** Whatever the umask. */
function installFile(tree, path, content) {
  const file = join(tree, path);
  makeFolder(dirname(file));
  writeFileSync(file, content);
  chmodSync(file, 0o644);
}

function makeFolder(path) {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let each = path; each.length >= first.length; each = dirname(each)) chmodSync(each, 0o755);
}

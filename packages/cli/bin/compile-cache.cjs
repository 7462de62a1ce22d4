// Has Node keep the compiled program from one command to the next, which saves an eighth of what a
// command costs (docs/adr/0001). What was kept is run as it is. So it lies where nobody else can
// write: beside the tokens of a person who has signed in, in folders of theirs alone. Where anything
// is in the way, nothing is kept, and nothing said.
const { lstatSync, mkdirSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
const { dirname, isAbsolute, join, resolve } = require("node:path");

/** Begins it. Before Node 22, and on Windows, it does nothing. */
function keepCompiled(environment) {
  if (enableCompileCache === undefined || process.getuid === undefined) return;
  const home = homeIn(environment);
  if (home === undefined || ![home, join(home, "tokens")].every(isPrivate)) return;
  if (!isAnchored(home)) return;

  const folder = join(home, "compiled");
  if (statsOf(folder) === undefined) makeFolder(folder);
  if (isPrivate(folder)) enableCompileCache(folder);
}

/** As in src/store/home.ts, on Linux. A relative path is the working directory's (case C2). */
function homeIn({ POSTERN_HOME, XDG_CONFIG_HOME, HOME }) {
  if (POSTERN_HOME) return absolute(POSTERN_HOME);
  if (XDG_CONFIG_HOME) return absolute(join(XDG_CONFIG_HOME, "postern"));
  return HOME && absolute(join(HOME, ".config", "postern"));
}

function absolute(path) {
  return isAbsolute(path) ? resolve(path) : undefined;
}

/** Whether it is a folder, and no link to one, that nobody but us can write to. */
function isPrivate(path) {
  const stats = statsOf(path);
  if (!stats?.isDirectory() || (stats.mode & 0o022) !== 0) return false;
  return stats.uid === process.getuid() && stats.uid === process.geteuid();
}

/** Whether nobody but us and root can put another folder in its place. */
function isAnchored(path) {
  const parent = dirname(path);
  if (parent === path) return true;
  const stats = statsOf(parent);
  if (!stats?.isDirectory() || ![0, process.getuid()].includes(stats.uid)) return false;
  // In a sticky folder, such as /tmp, each owner's entries are safe from the others.
  const isShared = (stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0;
  return !isShared && isAnchored(parent);
}

function statsOf(path) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function makeFolder(path) {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch {
    // A disk that is full or read-only.
  }
}

module.exports = { keepCompiled };

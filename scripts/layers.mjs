// Who may import whom, from the bottom up; check-layers.mjs holds the code to it. A room is a
// folder of a package's source, or a file beside the folders. Each room imports itself, the words
// of its package, the protocol and what its row names: nothing else.

/** room → the rooms of its package that it may import; `*` is every one */
export const rooms = {
  protocol: "",

  "gateway/model": "",
  "gateway/policy": "model",
  "gateway/secrets": "",
  "gateway/observe": "model policy storage",
  "gateway/watch-files.ts": "observe",
  "gateway/storage": "model",
  "gateway/config": "model policy",
  "gateway/catalog": "model policy config secrets storage",
  "gateway/analysis": "model policy config catalog",
  "gateway/http": "watch-files.ts observe",
  "gateway/origin": "model http",
  "gateway/tokens": "model secrets storage catalog",
  "gateway/ssh": "model secrets storage",
  "gateway/geoip": "catalog observe watch-files.ts",
  "gateway/access": "model policy observe storage catalog http origin tokens",
  "gateway/login": "model policy observe secrets storage catalog http ssh tokens",
  "gateway/apply": "model policy secrets storage config catalog",
  "gateway/admin":
    "model policy observe secrets storage config catalog analysis apply http ssh tokens",
  "gateway/init": "model config login",
  "gateway/render": "model config catalog access",
  "gateway/store-keys.ts": "secrets storage config",
  "gateway/compose.ts": "*",
  "gateway/served-applications.ts": "catalog observe",
  "gateway/gateway.ts": "*",
  "gateway/future-dates.ts": "*",
  "gateway/service-token-care.ts": "*",
  "gateway/young-space.ts": "",
  "gateway/health.ts": "*",
  "gateway/housekeeping.ts": "*",
  "gateway/follow-others.ts": "*",
  "gateway/workers": "*",
  "gateway/reload.ts": "*",
  "gateway/dev.ts": "*",
  "gateway/decision-commands.ts": "*",
  "gateway/configuration-commands.ts": "*",
  "gateway/commands": "*",
  "gateway/administer.ts": "commands",
  "gateway/main.ts": "*",

  "cli/net": "",
  "cli/store": "",
  "cli/tool": "store",
  "cli/gateway-client": "net store",
  "cli/sign-in": "net store tool gateway-client",
  "cli/curl": "net store tool sign-in",
  "cli/listening": "",
  "cli/local-proxy": "net sign-in listening",
  "cli/streams": "net gateway-client sign-in listening",
  "cli/ssh": "store gateway-client sign-in",
  "cli/mcp": "net sign-in",
  "cli/git": "store tool",
  "cli/agents": "",
  "cli/library": "store sign-in",
  "cli/commands": "*",
  "cli/main.ts": "*",
};

/** Files beside the rooms that every room of their package may import, and that import no room. */
export const words = [
  "gateway/bounded-cache.ts",
  "gateway/bounded-fetch.ts",
  "gateway/certificate-validity.ts",
  "gateway/store-address.ts",
  "gateway/store-unavailable.ts",
  "gateway/clock.ts",
  "gateway/command-call.ts",
  "gateway/deadline.ts",
  "gateway/defined.ts",
  "gateway/network.ts",
  "gateway/network-budget.ts",
  "gateway/network-set.ts",
  "gateway/path-readings.ts",
  "gateway/random.ts",
  "gateway/read-pattern.ts",
  "gateway/single-argument.ts",
  "gateway/stranger-limits.ts",
  "gateway/usage-error.ts",
  "cli/app-url.ts",
  "cli/context.ts",
  "cli/defined.ts",
  "cli/exit-status.ts",
  "cli/flag.ts",
  "cli/json-object.ts",
  "cli/raw-arguments.ts",
  "cli/raw-bytes.ts",
  "cli/screen.ts",
  "cli/standard-output.ts",
  "cli/styled-line.ts",
  "cli/terminal.ts",
  "cli/version.ts",
];

/** Why a room imports no more than its row names. */
export const reasons = {
  protocol: "The protocol is the ground floor: it imports neither the gateway nor the CLI.",
  "gateway/model": "The model is the vocabulary: every room imports it, it imports none.",
  "gateway/policy": "Policy is pure: plain data and the time in, a decision out.",
  "gateway/config": "The configuration is text turned into objects of the model, and no more.",
  "gateway/catalog": "The catalog says what is in force; who asks it is above it.",
  "gateway/storage": "The store keeps records; who makes and reads them is above it.",
  "gateway/http": "HTTP is carried the same whoever answers: the answering rooms are above it.",
  "gateway/origin": "An origin is reached the same whoever was let through to it.",
  "gateway/tokens": "Tokens are below the data path and the login, which import them.",
  "gateway/access": "The data path and the login stand side by side; what both need is below.",
  "gateway/login": "The login and the data path stand side by side; what both need is below.",
  "gateway/admin": "The admin API stands beside the data path and the login, and changes neither.",
  cli: "The CLI's arrows point down: commands, sign-in, gateway-client, then store and net.",
  gateway: "The gateway's arrows point down: whoever composes a part hands it what it needs.",
};

/** Rooms that others know by their types alone, but for those whose row is `*`. */
export const typesOnly = {
  "gateway/storage": "Which store is behind the types is known to the composition alone.",
};

/** Packages that some rooms alone import, and rooms that import some packages alone. */
export const packages = [
  {
    packages: "kysely node:sqlite pg",
    onlyIn: "gateway/storage",
    because: "Only storage/ knows how things are stored; the rest asks the Store.",
  },
  {
    packages: "node:http node:https node:http2",
    onlyIn: "gateway/http gateway/origin cli/net cli/local-proxy cli/library/visitor.ts",
    because: "What carries requests is behind http/transport.ts, or another could not take over.",
  },
  {
    packages: "node:cluster",
    onlyIn: "gateway/workers",
    because: "Whether one process serves or several, the parts are the same and do not know it.",
  },
  {
    packages: "@postern/gateway",
    onlyIn: "cli/commands/gateway/gateway-package.ts",
    because: "The CLI starts without the gateway, and loads it when a command runs it.",
  },
  {
    packages: "node:crypto @noble/ciphers",
    allOf: "protocol",
    because: "The protocol is pure: it runs anywhere and does no input or output.",
  },
  {
    packages: "ipaddr.js zod @postern/protocol",
    allOf: "gateway/model gateway/policy",
    because: "The model and the policy are pure: no input, no output, no time of their own.",
  },
  {
    packages: "node: @postern/",
    allOf: "cli",
    because: "The CLI is one small file that starts fast on Node 20; this costs too much there.",
  },
];

/** Who reads the process's environment. Everybody else is handed what it needs of it. */
export const readEnvironment = "gateway/main.ts gateway/administer.ts gateway/dev.ts cli/main.ts";

/**
 * What the rows forbid and the code still does: `[importer, room or package]`. A line that nothing
 * needs any more is an error.
 */
export const exceptions = [];

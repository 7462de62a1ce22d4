// `store` of the configuration: an SQLite file, or a database of a PostgreSQL server by the URL
// that PostgreSQL's own programs take. TLS is used and verified unless the URL says otherwise, or
// the server is on this machine.
import { isLoopbackHost, withoutBrackets } from "@postern/protocol";
import { defined } from "../defined.ts";
import type { PostgresAddress, PostgresTls, StoreAddress } from "../store-address.ts";
import { checkAuthorities, type FileContext, readCertificateFiles } from "./certificate-files.ts";

const sqliteExample = "write sqlite:./data/postern.db or sqlite:/var/lib/postern/postern.db";
const postgresExample = "write postgres://postern:PASSWORD@db.example.com/postern";

/**
 * Reads it. A URL of a database is never quoted: it holds a password.
 * @returns ":memory:" where it cannot be read, which is reported
 */
export function readStore(url: string, files: FileContext): StoreAddress {
  const location = /^sqlite:(?!\/\/[^/])(.+)$/.exec(url)?.[1];
  if (location === ":memory:") return location;
  if (location !== undefined) return files.resolvePath(location);
  const address = /^postgres(?:ql)?:/.test(url) ? readPostgres(url, files) : notAStore(url, files);
  return address ?? ":memory:";
}

function notAStore(url: string, { report }: FileContext): undefined {
  const own = storeMeant(url) ?? sqliteExample;
  report.problem(["store"], "is not a store", { remedy: { own, example: sqliteExample } });
}

/** A path without its scheme, or with the slashes of a URL. */
function storeMeant(url: string): string | undefined {
  const [, path] = /^(?:(?:sqlite|file):\/{0,2})?([\w./-]+\.(?:db|sqlite3?))$/.exec(url) ?? [];
  if (path === undefined) return undefined;
  return `write sqlite:${/^[./]/.test(path) ? path : `./${path}`}`;
}

/** A password that was filled in may hold any character: it ends at the last @. */
const postgresUrl =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^:/?#@]+)(?::(?<password>.*))?@)?(?<host>\[[\da-f:.]+\]|[^:/?#@[\]]*)(?::(?<port>\d{1,5}))?\/(?<database>[^/?#@]+)(?:\?(?<query>[^#]*))?$/is;

const queryNames = ["host", "sslmode", "sslrootcert", "sslcert", "sslkey"] as const;

type Query = Partial<Record<(typeof queryNames)[number], string>>;

function readPostgres(url: string, files: FileContext): PostgresAddress | undefined {
  const complain = (what: string) => {
    files.report.problem(["store"], what);
    return undefined;
  };
  const {
    user,
    password,
    host = "",
    port = "5432",
    database = "",
    query = "",
  } = postgresUrl.exec(url)?.groups ?? {};
  if (database === "") return complain(`is not a database of PostgreSQL; ${postgresExample}`);
  if (user === undefined) return complain(`names no user; ${postgresExample}`);

  const fields = readQuery(query, complain);
  if (fields === undefined) return undefined;
  const place = withoutBrackets(decoded(host)) || fields.host;
  if (place === undefined) return complain(`names no host; ${postgresExample}`);
  const tls = readTls(place, fields, files);
  if (tls === "wrong") return undefined;
  return defined({
    host: place,
    port: Number(port),
    database: decoded(database),
    user: decoded(user),
    password: password === undefined ? undefined : decoded(password),
    tls,
  });
}

function readQuery(query: string, complain: (what: string) => undefined): Query | undefined {
  const fields: Query = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const known = queryNames.find((each) => each === name);
    if (known === undefined)
      return complain(`has an argument that is not known here; ${queryNames.join(", ")} are`);
    fields[known] = value;
  }
  return fields;
}

type Verify = PostgresTls["verify"];

const modes: Readonly<Record<string, Verify | "none">> = {
  disable: "none",
  require: "encrypted",
  "verify-ca": "authority",
  "verify-full": "host",
};

/** @returns undefined without TLS */
function readTls(
  host: string,
  query: Query,
  files: FileContext,
): PostgresTls | undefined | "wrong" {
  const { sslmode = usualMode(host), sslrootcert, sslcert, sslkey } = query;
  const { report, resolvePath } = files;
  const verify = Object.hasOwn(modes, sslmode) ? modes[sslmode] : undefined;
  if (verify === undefined) {
    const known = Object.keys(modes).join(", ");
    report.problem(["store"], `has an sslmode that promises nothing; write one of ${known}`);
    return "wrong";
  }
  if (verify === "none") return undefined;
  const ca_file = sslrootcert && resolvePath(sslrootcert);
  if (ca_file) checkAuthorities(ca_file, ["store"], report);
  if (sslcert === undefined || sslkey === undefined) return defined({ verify, ca_file });
  const pair = { cert_file: sslcert, key_file: sslkey };
  return defined({ verify, ca_file, ...readCertificateFiles(pair, ["store"], files) });
}

/** Nobody listens between here and this machine. */
function usualMode(host: string): string {
  return host.startsWith("/") || isLoopbackHost(host) ? "disable" : "verify-full";
}

/** Percent-encoded or, where it could not be, as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

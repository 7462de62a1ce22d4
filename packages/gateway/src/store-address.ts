// Where a store is. A word of every room: the configuration reads it, the store opens it.

/** A database of a PostgreSQL server. Plain data: workers get it by message. */
export interface PostgresAddress {
  /** a name, an IP address, or the folder of a Unix socket, which begins with a slash */
  host: string;
  port: number;
  database: string;
  user: string;
  /** undefined where the server trusts the connection itself: by its socket or a certificate */
  password?: string | undefined;
  tls?: PostgresTls | undefined;
}

/** How the server is known. Paths are absolute. */
export interface PostgresTls {
  /**
   * `encrypted`: not at all. `authority`: by an authority that is trusted. `host`: that its
   * certificate names the host as well.
   */
  verify: "encrypted" | "authority" | "host";
  /** PEM; undefined: the authorities that Node trusts */
  ca_file?: string | undefined;
  cert_file?: string | undefined;
  key_file?: string | undefined;
}

/** ":memory:", the absolute path of an SQLite file, or a database of a server. */
export type StoreAddress = string | PostgresAddress;

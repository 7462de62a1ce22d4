// Where addresses are, by a database of countries in MaxMind's format. The file is read as a whole,
// and again when it changes. While it cannot be read nobody's country is known, which lets nobody
// in by a rule about countries; a changed file that cannot be read leaves the one before in force.
import { readFileSync } from "node:fs";
import { type CountryResponse, Reader } from "mmdb-lib";
import { BoundedCache } from "../bounded-cache.ts";
import { type CountryLookup, noCountries } from "../catalog/countries.ts";
import type { RecordEvent } from "../observe/events.ts";
import { watchFiles } from "../watch-files.ts";

/** Records of a database that stay decoded: there are some for each country. */
const decodedRecords = 2_000;

/** A file of countries, for as long as somebody looks after it. */
export interface CountryFile {
  /** what the file says now: another object after each change */
  current(): CountryLookup;
  /** Calls back after each change of `current`. */
  onChange(listener: () => void): void;
  close(): void;
}

/** Opens a file and watches it. Never throws: what cannot be used is recorded. */
export function openCountryFile(file: string | undefined, record: RecordEvent): CountryFile {
  if (file === undefined)
    return { current: () => noCountries, onChange: () => undefined, close: () => undefined };
  let countries = noCountries;
  let tell = (): void => undefined;
  const read = () => {
    try {
      const database = readDatabase(readFileSync(file));
      countries = database.countries;
      record({ event: "countries_loaded", file, type: database.type, built: database.built });
      tell();
    } catch (error) {
      const { message } = error as Error;
      record({ event: "countries_refused", file, error: message });
    }
  };
  read();
  return {
    current: () => countries,
    onChange(listener) {
      tell = listener;
    },
    close: watchFiles(() => [file], read, record),
  };
}

/** @throws {Error} when the content is no such database */
export function readDatabase(content: Buffer): {
  countries: CountryLookup;
  type: string;
  /** RFC 3339 */
  built: string;
} {
  const cache = new BoundedCache<string | number, unknown>(decodedRecords);
  const reader = new Reader<CountryResponse>(content, { cache });
  const { ipVersion, databaseType: type, buildEpoch } = reader.metadata;
  const of = (address: string): string | undefined => {
    // Such a database would take the first half of an IPv6 address for an IPv4 one.
    if (ipVersion === 4 && address.includes(":")) return undefined;
    return countryIn(reader, address);
  };
  return { countries: { of }, type, built: buildEpoch.toISOString() };
}

/** Where the database is damaged, or says something else, it says nothing. */
function countryIn(reader: Reader<CountryResponse>, address: string): string | undefined {
  try {
    const code: unknown = reader.get(address)?.country?.iso_code;
    return typeof code === "string" && /^[A-Z]{2}$/.test(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

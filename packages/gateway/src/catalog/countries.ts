/** Where addresses are. */
export interface CountryLookup {
  /**
   * @param address canonical text
   * @returns ISO 3166-1 alpha-2, upper-case; undefined where that is not known
   */
  of(address: string): string | undefined;
}

/** Nothing is known of any address: no database is configured, or it could not be read. */
export const noCountries: CountryLookup = { of: () => undefined };

import { z } from "zod";
import { refuse, text } from "../values.ts";
import { defineRule, yes } from "./rule.ts";

/** ISO 3166-1 alpha-2, in any case. */
const countryCode = text((source) => {
  if (/^[A-Za-z]{2}$/.test(source)) return source.toUpperCase();
  return refuse("is not a country; write its two letters (ISO 3166-1), like PT");
});

/** Holds for clients whose address is in this country, as `geoip_file` says. */
export const geo = defineRule({
  name: "geo",
  schema: z.strictObject({ country_code: countryCode }),
  about: "request",
  example: { country_code: "PT" },
  mainField: "country_code",
  compile:
    ({ country_code }) =>
    ({ country }) => {
      // An address that is nowhere may be anywhere: that denies.
      if (country === undefined) return "unknown";
      return yes(country === country_code);
    },
  atom: ({ country_code }) => ({ of: "country", code: country_code }),
  check(_value, { knowsCountries }, report) {
    if (knowsCountries) return;
    report.warning(
      [],
      "cannot be judged without a database of countries, so it lets nobody in and counts as an exclude; name one in geoip_file",
    );
  },
});

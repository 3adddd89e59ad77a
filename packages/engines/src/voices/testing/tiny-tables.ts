/** A small part of the tables that come with a voice. */

import type { ReadingTables } from "../normalise/reading-tables.ts";

export const TINY_TABLES: ReadingTables = {
  months: {
    jan: "January",
    feb: "February",
    mar: "March",
    apr: "April",
    may: "May",
    jun: "June",
    jul: "July",
    aug: "August",
    sep: "September",
    oct: "October",
    nov: "November",
    dec: "December",
  },
  titles: { Dr: "Doctor", St: "Saint" },
  abbreviations: { "approx.": "approximately", "St.": "Street", "vs.": "versus" },
  units: { km: ["kilometer", "kilometers"], kg: ["kilogram", "kilograms"], mph: ["mile per hour", "miles per hour"] },
  symbols: { "=": "equals", "<": "less than", "°": "degrees", "×": "times", "½": "one half", "™": "", "•": "" },
  currency: { "¥": ["yen", "yen"], "¢": ["cent", "cents"], $: ["dollar", "dollars"], "€": ["euro", "euros"] },
  roman_cardinal: ["Chapter", "World War"],
  roman_ordinal: ["Henry", "Louis"],
};

/** Words for what is written short: the tables that come with the voice, as far as they are used. */

export interface ReadingTables {
  /** "jan" → "January" */
  readonly months: Readonly<Record<string, string>>;
  /** Before a name: "St" → "Saint". */
  readonly titles: Readonly<Record<string, string>>;
  /** "approx." → "approximately" */
  readonly abbreviations: Readonly<Record<string, string>>;
  /** One and several: "km" → "kilometer", "kilometers". */
  readonly units: Readonly<Record<string, readonly string[]>>;
  readonly symbols: Readonly<Record<string, string>>;
  /** One and several, by sign or code. */
  readonly currency: Readonly<Record<string, readonly string[]>>;
  /** Words before a Roman number that is read as a number. */
  readonly roman_cardinal: readonly string[];
  /** Names before a Roman number that is read as an ordinal. */
  readonly roman_ordinal: readonly string[];
}

/** What the tables of the voice lack. */
export const MORE_ABBREVIATIONS: Readonly<Record<string, string>> = {
  "e.g.": "for example",
  "i.e.": "that is",
  "etc.": "et cetera",
  "a.k.a.": "also known as",
  "incl.": "including",
  "excl.": "excluding",
  "min.": "minimum",
  "max.": "maximum",
  "avg.": "average",
  "tel.": "telephone",
  "ext.": "extension",
  tsp: "teaspoon",
  "tsp.": "teaspoon",
  tbsp: "tablespoon",
  "tbsp.": "tablespoon",
};

export const MORE_UNITS: Readonly<Record<string, readonly [string, string]>> = {
  "km²": ["square kilometer", "square kilometers"],
  "m²": ["square meter", "square meters"],
  "cm²": ["square centimeter", "square centimeters"],
  "m³": ["cubic meter", "cubic meters"],
  "cm³": ["cubic centimeter", "cubic centimeters"],
  "m/s": ["meter per second", "meters per second"],
  "m/s²": ["meter per second squared", "meters per second squared"],
  tsp: ["teaspoon", "teaspoons"],
  tbsp: ["tablespoon", "tablespoons"],
  µm: ["micrometer", "micrometers"],
  µg: ["microgram", "micrograms"],
  µL: ["microliter", "microliters"],
  µA: ["microampere", "microamperes"],
  µF: ["microfarad", "microfarads"],
  µV: ["microvolt", "microvolts"],
  µW: ["microwatt", "microwatts"],
  "kg/m³": ["kilogram per cubic meter", "kilograms per cubic meter"],
  "Mbit/s": ["megabit per second", "megabits per second"],
  "Gbit/s": ["gigabit per second", "gigabits per second"],
  mL: ["milliliter", "milliliters"],
  cl: ["centiliter", "centiliters"],
  dl: ["deciliter", "deciliters"],
  kJ: ["kilojoule", "kilojoules"],
  kcal: ["kilocalorie", "kilocalories"],
  Wh: ["watt hour", "watt hours"],
  mA: ["milliampere", "milliamperes"],
  mW: ["milliwatt", "milliwatts"],
  kV: ["kilovolt", "kilovolts"],
  hPa: ["hectopascal", "hectopascals"],
  kPa: ["kilopascal", "kilopascals"],
  dB: ["decibel", "decibels"],
  dpi: ["dots per inch", "dots per inch"],
  rpm: ["revolutions per minute", "revolutions per minute"],
  bpm: ["beats per minute", "beats per minute"],
  kbps: ["kilobits per second", "kilobits per second"],
  µs: ["microsecond", "microseconds"],
  ns: ["nanosecond", "nanoseconds"],
  PB: ["petabyte", "petabytes"],
  MiB: ["mebibyte", "mebibytes"],
  GiB: ["gibibyte", "gibibytes"],
  KiB: ["kibibyte", "kibibytes"],
};

/** Read as a unit only behind a number and a blank: without one, "5m" may be five million. */
export const SPACED_UNITS: Readonly<Record<string, readonly [string, string]>> = {
  m: ["meter", "meters"],
  g: ["gram", "grams"],
  L: ["liter", "liters"],
  l: ["liter", "liters"],
  W: ["watt", "watts"],
  V: ["volt", "volts"],
  h: ["hour", "hours"],
  t: ["ton", "tons"],
  ha: ["hectare", "hectares"],
};

export const MORE_CURRENCIES: Readonly<Record<string, readonly [string, string]>> = {
  "₽": ["ruble", "rubles"],
  "₺": ["lira", "lira"],
  "₴": ["hryvnia", "hryvnias"],
  "₪": ["shekel", "shekels"],
  "₱": ["peso", "pesos"],
  "₿": ["bitcoin", "bitcoins"],
  US$: ["dollar", "dollars"],
  C$: ["Canadian dollar", "Canadian dollars"],
  A$: ["Australian dollar", "Australian dollars"],
  CHF: ["Swiss franc", "Swiss francs"],
  JPY: ["yen", "yen"],
  CNY: ["yuan", "yuan"],
  INR: ["rupee", "rupees"],
  CAD: ["Canadian dollar", "Canadian dollars"],
  AUD: ["Australian dollar", "Australian dollars"],
  BTC: ["bitcoin", "bitcoins"],
};

/**
 * Rules for what would be read absurdly by those for numbers and words: addresses of machines, formulas, measures,
 * telephone numbers and ranges of times. They come before all others.
 */

import type { Rule } from "./rule.ts";
import { rule } from "./rule.ts";

const HEX = "[0-9A-Fa-f]{1,4}";
/** An address has eight groups, or fewer where two colons stand for the missing ones. */
const IPV6 = String.raw`(?<![\p{L}\p{N}:.])(?:(?:${HEX}:){7}${HEX}|(?=[0-9A-Fa-f:]*::)(?:${HEX}(?::${HEX}){0,6})?::(?:${HEX}(?::${HEX}){0,6})?)(?![\p{L}\p{N}:])`;
const TIME = String.raw`\d{1,2}:\d{2}`;
const DAYS: Readonly<Record<string, string>> = {
  Mon: "Monday",
  Tue: "Tuesday",
  Wed: "Wednesday",
  Thu: "Thursday",
  Fri: "Friday",
  Sat: "Saturday",
  Sun: "Sunday",
};
const DAY = Object.keys(DAYS).join("|");
const SCALES: Readonly<Record<string, string>> = { k: "thousand", M: "million", B: "billion" };
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";
/** Without the ones that the voices' own rules know. */
const FRACTIONS: Readonly<Record<string, string>> = {
  "⅓": "one third",
  "⅔": "two thirds",
  "⅕": "one fifth",
  "⅖": "two fifths",
  "⅗": "three fifths",
  "⅘": "four fifths",
  "⅙": "one sixth",
  "⅚": "five sixths",
  "⅛": "one eighth",
  "⅜": "three eighths",
  "⅝": "five eighths",
  "⅞": "seven eighths",
};
const COMPARISONS: Readonly<Record<string, string>> = {
  "≈": "approximately",
  "≠": "is not equal to",
  "!=": "is not equal to",
  "≤": "at most",
  "<=": "at most",
  "≥": "at least",
  ">=": "at least",
};
/** Spelled, although they could be words. */
const FORMULAS = "CO2|H2O|H2O2|O2|N2|CH4|NH3|NO2|SO2|H2SO4|NaCl|HCl";

export function specialRules(): readonly Rule[] {
  return [...addressRules(), ...formulaRules(), ...measureRules(), ...digitRules(), ...rangeRules()];
}

function addressRules(): readonly Rule[] {
  return [
    rule(IPV6, ([address = ""]) => sayIpv6(address)),
    rule(
      String.raw`(?<![\p{L}\p{N}.\-])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?::(\d{1,5}))?(?![\p{L}\p{N}]|\.\d)`,
      ([, first = "", second = "", third = "", fourth = "", port = ""]) =>
        [first, second, third, fourth].join(" dot ") + (port === "" ? "" : ` port ${port}`),
    ),
    rule(String.raw`(?<![\p{L}\p{N}])([A-GJ])#(?![\p{L}\p{N}])`, ([, letter = ""]) => `${letter} sharp`),
    rule(String.raw`(?<![\p{L}\p{N}.])\.(?=(?:NET|net|io|com|org)(?![\p{L}\p{N}]))`, () => "dot "),
  ];
}

function sayIpv6(address: string): string {
  return Array.from(address.replaceAll("::", "⁑"), (sign) =>
    sign === "⁑" ? "double colon" : sign === ":" ? "colon" : sign.toUpperCase(),
  ).join(" ");
}

function formulaRules(): readonly Rule[] {
  return [
    rule(`[${LOWERED}]`, ([digit = ""]) => String(LOWERED.indexOf(digit))),
    rule(String.raw`(?<![\p{L}\p{N}])(?:${FORMULAS})(?![\p{L}\p{N}])`, ([formula = ""]) =>
      Array.from(formula, (sign) => sign.toUpperCase()).join(" "),
    ),
    // Squares and cubes have words of their own.
    rule(`(?<=[\\p{L}\\p{N})])(⁻?)([⁰¹⁴⁵⁶⁷⁸⁹]|[${RAISED}]{2,})`, ([, minus = "", power = ""]) => {
      const digits = Array.from(power, (digit) => RAISED.indexOf(digit)).join("");
      return ` to the power of ${minus === "" ? "" : "minus "}${digits}`;
    }),
    rule(
      String.raw`(?<![\p{L}\p{N}.])(\d+(?:\.\d+)?)[eE]([+-]?)(\d{1,3})(?![\p{L}\p{N}])`,
      ([, number = "", sign = "", power = ""]) =>
        `${number} times 10 to the power of ${sign === "-" ? "minus " : ""}${power}`,
    ),
    rule(`[${Object.keys(FRACTIONS).join("")}]`, ([sign = ""]) => ` ${FRACTIONS[sign] ?? ""} `),
    rule(Object.keys(COMPARISONS).join("|"), ([sign = ""]) => ` ${COMPARISONS[sign] ?? ""} `),
    rule(String.raw`(?<![\p{L}\p{N}])~(?=\d)`, () => "about "),
    rule(String.raw`(?<=\d)[x](?=\d)`, () => " by "),
  ];
}

function measureRules(): readonly Rule[] {
  return [
    rule(
      String.raw`(?<![\p{L}\p{N}])(\d{1,2})['′’](\d{1,2})(?:["″”]|'')?(?![\p{L}\p{N}])`,
      ([, feet = "", inches = ""]) => `${feet} ${feet === "1" ? "foot" : "feet"} ${inches}`,
    ),
    rule(
      String.raw`(?<![\p{L}\p{N}.])(\d{1,2}) ?ft\.? ?(\d{1,2}) ?in(?:\.(?! [A-Z]))?(?![\p{L}\p{N}])`,
      ([, feet = "", inches = ""]) =>
        `${feet} ${feet === "1" ? "foot" : "feet"} ${inches} ${inches === "1" ? "inch" : "inches"}`,
    ),
    // Rupees are counted in groups of two digits.
    rule(String.raw`(?<![\p{N},.])\d{1,2}(?:,\d{2})+,\d{3}(?![\p{N},])`, ([number = ""]) => number.replaceAll(",", "")),
    rule(
      String.raw`(?<![\p{L}\p{N}.$£€¥])(\d+(?:\.\d+)?)([kMB])(?= [a-z]{2})`,
      ([, number = "", scale = ""]) => `${number} ${SCALES[scale] ?? scale}`,
    ),
    rule(
      String.raw`(?<![\p{L}\p{N}./])(\d+) (?=1/[2-9](?![\p{L}\p{N}/])|[2-9]/[2-9](?![\p{L}\p{N}/]))`,
      ([, whole = ""]) => `${whole} and `,
    ),
    // Names by now: nobody says a fraction.
    rule(String.raw`(?<![\p{L}\p{N}./])(?:24/7|9/11|50/50)(?![\p{L}\p{N}/]|\.\d)`, ([name = ""]) =>
      name.replace("/", " "),
    ),
  ];
}

function digitRules(): readonly Rule[] {
  return [
    // International ones, and those that are free of charge.
    rule(String.raw`(?<![\p{L}\p{N}])\+\d{1,3}(?:[ .\-]\(?\d{1,4}\)?){2,5}(?![\p{L}\p{N}\-]|\.\d)`, sayDigits),
    rule(String.raw`(?<![\p{L}\p{N}.\-])1[\-. ]\d{3}[\-. ]\d{3}[\-. ]\d{4}(?![\p{L}\p{N}\-]|\.\d)`, sayDigits),
    // Numbers of books, cards and forms.
    rule(String.raw`(?<![\p{L}\p{N}.\-])\d+(?:-\d+){3,}(?:-[Xx])?(?![\p{L}\p{N}\-])`, sayDigits),
  ];
}

function sayDigits([number = ""]: readonly string[]): string {
  return number
    .replace("+", "plus ")
    .replaceAll(/[ .\-()]+(?=\d|[Xx]$)/g, (gap, at: number) =>
      at < "plus ".length && number.startsWith("+") ? gap : ", ",
    )
    .replaceAll(/[()]/g, "")
    .replaceAll(/(?<=\d)(?=\d)/g, " ");
}

function rangeRules(): readonly Rule[] {
  return [
    rule(String.raw`(?<![\p{L}\p{N}:])(${TIME}) ?[-–] ?(?=${TIME}(?![\p{N}:]))`, ([, from = ""]) => `${from} to `),
    rule(
      String.raw`(?<!\p{L})(${DAY})\.? ?[-–] ?(${DAY})(?:\.(?! [A-Z]|$))?(?!\p{L})`,
      ([, from = "", to = ""]) => `${DAYS[from] ?? from} to ${DAYS[to] ?? to}`,
    ),
    rule(
      String.raw`(?<![\p{N}.])(\d{1,2})\.(\d{1,2})\.((?:19|20)\d{2})(?![\p{N}.]\d|\d)`,
      ([all = "", day = "", month = "", year = ""]) =>
        Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31
          ? `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`
          : all,
    ),
    // A scale, or what is bet.
    rule(
      String.raw`(?<![\p{L}\p{N}:.])(\d{1,3}):(\d)(?![\p{L}\p{N}:])`,
      ([, from = "", to = ""]) => `${from} to ${to}`,
    ),
  ];
}

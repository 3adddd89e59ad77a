import { expect, test } from "vitest";
import { sayCardinal, sayDecimal, sayOrdinal, sayYear } from "./number-words.ts";

test.each([
  ["0", "zero"],
  ["007", "seven"],
  ["21", "twenty-one"],
  ["110", "one hundred and ten"],
  ["1000", "one thousand"],
  ["1234567", "one million, two hundred and thirty-four thousand, five hundred and sixty-seven"],
  ["1".repeat(25), Array.from({ length: 25 }, () => "one").join(" ")],
])("%s is %s", (digits, words) => expect(sayCardinal(digits)).toBe(words));

test.each([
  ["1", "first"],
  ["12", "twelfth"],
  ["30", "thirtieth"],
  ["23", "twenty-third"],
  ["100", "one hundredth"],
])("the %s. is the %s", (digits, words) => expect(sayOrdinal(digits)).toBe(words));

test.each([
  ["1905", "nineteen oh-five"],
  ["1900", "nineteen hundred"],
  ["2005", "two thousand, five"],
  ["2024", "twenty twenty-four"],
  ["0042", "forty-two"],
])("the year %s is %s", (digits, words) => expect(sayYear(digits)).toBe(words));

test.each([
  ["3.14", "three point one four"],
  [".50", "zero point five"],
  ["2.00", "two"],
])("%s is %s", (number, words) => expect(sayDecimal(number)).toBe(words));

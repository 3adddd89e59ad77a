import { expect, test } from "vitest";
import { TINY_TABLES } from "../testing/tiny-tables.ts";
import { createNormaliser } from "./normalise-text.ts";

const normalise = createNormaliser(TINY_TABLES);

const CASES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  times: [
    ["at 9:30am", "at nine thirty A.M."],
    ["at 7 pm.", "at seven P.M."],
    ["at 12:00", "at twelve o'clock"],
    ["at 14:05:01", "at fourteen oh five and one second"],
    ["at 25:61", "at 25:61"],
  ],
  dates: [
    ["2024-03-01", "March first, 2024"],
    ["2026-11-29T22:05:00Z", "November twenty-ninth, 2026 at twenty-two oh five"],
    ["3/4/1999", "March fourth, 1999"],
    ["31/12/24", "December thirty-first, 2024"],
    ["Jan. 5th, 2019", "January fifth, 2019"],
    ["the 3rd of March 2024", "the third of March 2024"],
    ["on 4 July", "on the fourth of July"],
    ["99/99/9999", "99/99/9999"],
  ],
  money: [
    ["$3.2 billion", "3.2 billion dollars"],
    ["$5M", "5 million dollars"],
    ["-$20", "minus $20"],
    ["5 €", "€5"],
    ["1 ¢", "1 cent"],
    ["¥500", "500 yen"],
    ["US$40", "40 dollars"],
    ["CHF 1", "1 Swiss franc"],
    ["30 ₽", "30 rubles"],
  ],
  units: [
    ["5km", "5 kilometers"],
    ["1 kg", "1 kilogram"],
    ["-5°C", "minus 5 degrees Celsius"],
    ["1°", "1 degree"],
    ["20 m²", "20 square meters"],
    ["3 m long", "3 meters long"],
    ["5m", "5m"],
    ["16 GiB", "16 gibibytes"],
  ],
  words: [
    ["Dr. Smith", "Doctor Smith"],
    ["Main St.", "Main Street."],
    ["e.g. this, etc.", "for example this, et cetera."],
    ["No. 7", "Number 7"],
    ["#1", "number 1"],
    ["Chapter IV", "Chapter 4"],
    ["Henry VIII", "Henry the eighth"],
  ],
  numbers: [
    ["555-1234", "5 5 5, 1 2 3 4"],
    ["+1 (555) 123-4567", "plus 1, 5 5 5, 1 2 3, 4 5 6 7"],
    ["1/2 and 3/4", "one half and 3 quarters"],
    ["24/7", "24 slash 7"],
    ["pages 3-5", "pages 3 to 5"],
    ["+5", "plus 5"],
    ["mp3 and ISO9001", "mp3 and ISO 9001"],
  ],
  symbols: [
    ["a = b", "a equals b"],
    ["2×3", "2 times 3"],
    ["Brand™ name", "Brand name"],
    ["π ≈ 3", "pi ≈ 3"],
  ],
  addresses: [
    ["see https://www.example.com/shop?x=1.", "see example dot com slash shop."],
    ["example.org!", "example dot org!"],
    ["ann.lee@mail.example.com", "ann dot lee at mail dot example dot com"],
    ["[our site](https://example.com)", "our site"],
    ["Node.js", "Node.js"],
    ["https://constructor.org/valueOf", "constructor dot org slash valueOf"],
  ],
  markdown: [
    ["# Title", "Title"],
    ["**bold** and _thin_", "bold and thin"],
    ["- one\n- two", "one two"],
    ["run `ls`", "run ls"],
    ["2 * 3 * 4", "2 * 3 * 4"],
    ["snake_case_name", "snake_case_name"],
  ],
  emoji: [
    ["well done 👍🏽", "well done thumbs up,"],
    ["👩‍💻 at work", "at work"],
    ["🫠", "emoji,"],
    ["❤️", "red heart,"],
    ["© 2024", "© 2024"],
  ],
  scripts: [
    ["Tokyo (東京) is big", "Tokyo ( ) is big"],
    ["ＡＢＣ１２", "ABC 12"],
    ["na\u0303o", "n\u00e3o"],
    ["a\u0000b\u200bc", "a b c"],
  ],
};

for (const [name, cases] of Object.entries(CASES)) {
  test.each(cases)(`${name}: %j is read as %j`, (text, said) => expect(normalise(text)).toBe(said));
}

/** Short texts of about the length of a question or a heading. */

const WORDS =
  "invoice harbour winter engine garden violin teacher battery mountain contract copper kitchen airport lantern budget recipe".split(
    " ",
  );

const WORDS_PER_TEXT = 12;

/** @returns texts of about 17 tokens, no two alike. */
export function shortTexts(count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `${number}: how does the ${describeThing(number)} work?`);
}

function describeThing(number: number): string {
  return Array.from({ length: WORDS_PER_TEXT }, (_, index) => WORDS[(number * 3 + index * 5) % WORDS.length]).join(" ");
}

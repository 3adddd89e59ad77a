/** Chats whose JSON text is costly to read by itself, whatever it says. */

import { BYTES, VALUES, fill, rawBody } from "./worst-body.ts";
import type { WorstBody } from "./worst-body.ts";

export const JSON_BODIES: readonly WorstBody[] = [
  rawBody("a number of 33 MB", () => `"seed":${"1".repeat(BYTES)}`),
  rawBody("a decimal of 33 MB", () => `"seed":0.${"1".repeat(BYTES)}`),
  rawBody("33 MB of blanks", () => `"x":${" ".repeat(BYTES)}1`),
  rawBody("33 MB of escaped letters", () => `"x":"${"\\u0041".repeat(BYTES / 6)}"`),
  rawBody("33 MB of escaped line breaks", () => `"x":"${"\\n".repeat(BYTES / 2)}"`),
  rawBody("99,000 texts of 330 bytes", () => `"x":[${fill(VALUES, () => `"${"a".repeat(329)}"`).join(",")}]`),
  rawBody("99,000 texts of escapes", () => `"x":[${fill(VALUES, () => `"${"\\u00e9".repeat(54)}"`).join(",")}]`),
  rawBody("99,000 keys of 330 bytes", () =>
    fill(VALUES, (index) => `"${String(index).padStart(324, "k")}":1`).join(","),
  ),
  rawBody("99,000 times the same key", () =>
    fill(VALUES, () => '"x":{}')
      .slice(0, VALUES / 2)
      .join(","),
  ),
  rawBody("49,000 empty objects", () => `"x":[${fill(VALUES / 2, () => "{}").join(",")}]`),
  rawBody("190 towers of 490 arrays", () => `"x":[${fill(190, () => "[".repeat(490) + "]".repeat(490)).join(",")}]`),
  rawBody("99,000 keys that are large numbers", () => fill(VALUES, (index) => `"${index * 43_000}":1`).join(",")),
  rawBody("33 MB with a mistake at its end", () => `"x":"${"a".repeat(BYTES)}",`),
  rawBody("millions of values", () => `"x":[${"1,".repeat(BYTES / 2)}1]`),
  rawBody("a million levels", () => `"x":${"[".repeat(1_000_000)}`),
];

/** Credits as people write them, to the micro-credits that are counted and back. No floating point lies in between. */

import { InvalidArgumentError } from "commander";

const DECIMALS = 6;
const MICRO_CREDITS = 10n ** BigInt(DECIMALS);

/** `12.5` to 12,500,000; up to six decimals, negative with a minus sign. @throws InvalidArgumentError */
export function parseCredits(text: string): number {
  const match = /^(-?)(\d{1,10})(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError("Expected credits such as 100, 12.5 or -3, with up to 6 decimals.");
  const [, sign = "", whole = "", decimals = ""] = match;
  const amount = Number(BigInt(whole) * MICRO_CREDITS + BigInt(decimals.padEnd(DECIMALS, "0")));
  if (!Number.isSafeInteger(amount)) throw new InvalidArgumentError("Expected at most 9007199254.740991 credits.");
  return sign === "-" && amount !== 0 ? -amount : amount;
}

/** The shortest text that `parseCredits` reads as the same amount. */
export function formatCredits(amount: number): string {
  const magnitude = BigInt(Math.abs(amount));
  const decimals = String(magnitude % MICRO_CREDITS)
    .padStart(DECIMALS, "0")
    .replace(/0+$/, "");
  const point = decimals === "" ? "" : ".";
  return `${amount < 0 ? "-" : ""}${magnitude / MICRO_CREDITS}${point}${decimals}`;
}

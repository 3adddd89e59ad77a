import { readFileSync } from "node:fs";

/** @param name Of a file in `fixtures/`. */
export function readFixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
}

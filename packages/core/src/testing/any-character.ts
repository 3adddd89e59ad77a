/**
 * Any code point for properties, halves of pairs among them. The library's own `unit: "binary"` takes seconds to make.
 */

import fc from "fast-check";

export const anyCharacter: fc.Arbitrary<string> = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));

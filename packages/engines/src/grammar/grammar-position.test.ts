import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createCompletionBudgetGuard } from "./completion-budget-guard.ts";
import { compileWhole } from "./testing/compile-whole.ts";
import { literal, repeat, sequence } from "./grammar-node.ts";
import type { Grammar } from "./grammar-node.ts";
import { openGrammar } from "./grammar-position.ts";
import { createSeededRandom, sampleGrammar } from "./sample-grammar.ts";
import { SAMPLE_SCHEMAS } from "./testing/schemas.ts";
import type { SchemaObject } from "./schema-view.ts";

const ajv = new Ajv2020({ strict: false, allowUnionTypes: true });
addFormats.default(ajv);

const compile = (schema: SchemaObject): Grammar => compileWhole(schema);

test.each(SAMPLE_SCHEMAS)("wherever a text of $name stops, its shortest ending makes it valid", ({ schema }) => {
  const grammar = compile(schema);
  const validate = ajv.compile(schema);
  for (let seed = 0; seed < 6; seed += 1) {
    const characters = Array.from(sampleGrammar(grammar, createSeededRandom(seed)));
    let position = openGrammar(grammar);
    for (let said = 0; said <= Math.min(characters.length, 150); said += 1) {
      const whole = characters.slice(0, said).join("") + position.end();
      expect(position.end().length).toBeLessThanOrEqual(2 * position.shortestLength);
      expect(validate(JSON.parse(whole)), whole).toBe(true);
      const next = position.advance(characters[said] ?? "");
      if (next === null) expect.fail(`${whole} can't go on with ${characters[said]}`);
      position = next;
    }
  }
});

test.each(SAMPLE_SCHEMAS)(
  "text that does not conform to $name is rejected, or its ending is",
  ({ schema, accepted, refused }) => {
    const start = openGrammar(compile(schema));
    for (const value of accepted) expect(start.advance(JSON.stringify(value))?.shortestLength).toBe(0);
    for (const value of refused) expect(start.advance(JSON.stringify(value))?.shortestLength).not.toBe(0);
  },
);

test("a repetition of a possibly empty node terminates", () => {
  const grammar = { root: sequence(repeat(repeat(literal("a"), 0, null), 0, null), literal("b")), rules: new Map() };
  expect(openGrammar(grammar).advance("aaaa")?.end()).toBe("b");
  expect(openGrammar(grammar).advance("aab")?.shortestLength).toBe(0);
  expect(openGrammar(grammar).advance("aabb")).toBeNull();
});

/** Tokens of one to four bytes, as a model samples them: characters are split. */
function splitBytes(text: string, sizes: readonly number[]): Uint8Array[] {
  const bytes = Buffer.from(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = sizes[pieces.length % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

test("at any limit that has room for the shortest text, the text is complete and within the limit", () => {
  const countTokens = (text: string) => Math.ceil(Buffer.byteLength(text) / 2);
  fc.assert(
    fc.property(
      fc.constantFrom(...SAMPLE_SCHEMAS),
      fc.nat(1000),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 1, max: 200 }),
      ({ schema }, seed, sizes, tokensMax) => {
        const grammar = compile(schema);
        const guard = createCompletionBudgetGuard(grammar, { tokensMax, countTokens });
        if (guard === null) {
          expect(countTokens(openGrammar(grammar).end())).toBeGreaterThan(tokensMax);
          return;
        }
        const pieces = splitBytes(sampleGrammar(grammar, createSeededRandom(seed)), sizes);
        const taken: Uint8Array[] = [];
        while (taken.length < pieces.length) {
          const piece = pieces[taken.length] ?? new Uint8Array();
          if (!guard.accept(piece, tokensMax - taken.length - 1)) break;
          taken.push(piece);
        }
        const ending = guard.shortestEnding();
        expect(taken.length + countTokens(ending)).toBeLessThanOrEqual(tokensMax);
        const said = new TextDecoder().decode(Buffer.concat(taken), { stream: true });
        expect(ajv.validate(schema, JSON.parse(said + ending)), said + ending).toBe(true);
      },
    ),
  );
});

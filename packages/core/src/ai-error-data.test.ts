import fc from "fast-check";
import { expect, test } from "vitest";
import { THROWN_MAX, THROWN_TEXT_MAX, decodeAiError, encodeAiError } from "./ai-error-data.ts";
import { AI_ERROR_CODES, AiError } from "./ai-error.ts";
import { anyCharacter } from "./testing/any-character.ts";

/** As it arrives from another process. */
const cross = (thrown: unknown, signal?: AbortSignal) => decodeAiError(structuredClone(encodeAiError(thrown, signal)));

const factsOf = ({ name, code, message, param, retryAfterMs }: AiError) => [name, code, message, param, retryAfterMs];

test("an error of ours crosses with everything that decides what the caller gets", () => {
  const property = fc.property(
    fc.constantFrom(...AI_ERROR_CODES),
    fc.string({ unit: anyCharacter }),
    fc.option(fc.string({ unit: anyCharacter })),
    fc.option(fc.double(), { nil: undefined }),
    (code, message, param, retryAfterMs) => {
      const error = new AiError(code, message, { param, ...(retryAfterMs !== undefined && { retryAfterMs }) });
      const crossed = cross(error);
      expect(crossed).toBeInstanceOf(AiError);
      expect(crossed).toEqual(error);
      expect(factsOf(crossed)).toEqual(factsOf(error));
      expect(crossed.stack).toBe(error.stack);
      expect("cause" in crossed).toBe(false);
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test("any value that is thrown crosses as the internal error that it is here, and encoding it never throws", () => {
  const property = fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (thrown) => {
    expect(cross(thrown)).toMatchObject({
      code: "internal",
      param: null,
      message: "The server had an error while processing your request. Please try again.",
    });
  });
  fc.assert(property, { numRuns: 200 });
});

test("the causes cross for the log: name, message, stack, code, and theirs", () => {
  const root = Object.assign(new RangeError("out of memory"), { code: "ERR_OUT_OF_MEMORY" });
  const cleanup = new AggregateError([new Error("evaluation"), root], "two failed", { cause: "a text" });
  const crossed = cross(new AiError("engine_failed", "The model failed.", { cause: cleanup }));
  expect(crossed.cause).toBeInstanceOf(AggregateError);
  expect(crossed.cause).toMatchObject({
    name: "AggregateError",
    message: "two failed",
    stack: cleanup.stack,
    cause: { message: "a text", stack: "a text" },
    errors: [{ message: "evaluation" }, { name: "RangeError", code: "ERR_OUT_OF_MEMORY", stack: root.stack }],
  });
});

test("of a thrown object that is no error nothing but its kind crosses", () => {
  expect(cross({ apiKey: "sk-secret" }).cause).toMatchObject({ message: "[object Object]" });
});

test("causes are bounded in number and length, and one that is its own cause ends", () => {
  const loop = new Error("x".repeat(THROWN_TEXT_MAX + 1));
  loop.cause = loop;
  const countCauses = (error: unknown): number =>
    error instanceof Error && error.cause !== undefined ? 1 + countCauses(error.cause) : 0;
  const crossed = cross(loop);
  expect(countCauses(crossed)).toBe(THROWN_MAX);
  expect(crossed.cause).toMatchObject({ message: "x".repeat(THROWN_TEXT_MAX) });
  const many = new AggregateError(Array.from({ length: THROWN_MAX * 2 }, (_, index) => new Error(String(index))));
  const { cause } = cross(many);
  expect(cause instanceof AggregateError ? cause.errors : []).toHaveLength(THROWN_MAX - 1);
});

test("after an abort it is the abort's reason that crosses", () => {
  const reason = new AiError("call_timeout", "Too long.");
  expect(cross(new Error("native abort"), AbortSignal.abort(reason))).toMatchObject({ code: "call_timeout" });
});

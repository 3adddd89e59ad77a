import { operations, validateShape } from "@openai-compat/spec";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { compileCheck } from "./compile-check.ts";

const chunk = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_790_000_000,
  model: "m",
  choices: [
    {
      index: 0,
      delta: {
        role: "assistant",
        content: "Hi",
        tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } }],
      },
      finish_reason: null,
      logprobs: { content: [{ token: "Hi", logprob: -0.5, bytes: [72, 105], top_logprobs: [] }], refusal: null },
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

const { createChatCompletion, createTranscription, createSpeech, connectRealtime, createEmbedding, listModels } =
  operations;

const SAMPLES: readonly (readonly [name: string, schema: z.ZodType, value: unknown])[] = [
  ["chat chunk", createChatCompletion.streamEvent, chunk],
  ["chat", createChatCompletion.response, createChatCompletion.examples.response],
  ["embeddings", createEmbedding.response, createEmbedding.examples.response],
  ["models", listModels.response, listModels.examples.response],
  [
    "verbose transcription",
    createTranscription.responseByFormat.verbose_json,
    { language: "english", duration: 3, text: "Hi", words: [{ word: "Hi", start: 0, end: 1 }] },
  ],
  ["transcription of any format", createTranscription.response, createTranscription.examples.response],
  ["transcript event", createTranscription.streamEvent, { type: "transcript.text.delta", delta: "Hi" }],
  ["speech event", createSpeech.streamEvent, { type: "speech.audio.delta", audio: "AAAA" }],
  [
    "realtime event",
    connectRealtime.serverEvent,
    { type: "error", event_id: "event_1", error: { type: "invalid_request_error", message: "No." } },
  ],
];

type Path = readonly PropertyKey[];

function listPaths(value: unknown, prefix: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [prefix];
  return [
    prefix,
    ...Reflect.ownKeys(value).flatMap((key) =>
      Array.isArray(value) && key === "length" ? [] : listPaths(Reflect.get(value, key), [...prefix, key]),
    ),
  ];
}

/** Changes what lies at the path. */
function damage(value: unknown, path: Path, change: (parent: object, key: PropertyKey) => void): unknown {
  const copy: unknown = structuredClone(value);
  const key = path.at(-1);
  let parent: unknown = copy;
  for (const segment of path.slice(0, -1))
    parent = typeof parent === "object" && parent !== null ? Reflect.get(parent, segment) : null;
  if (key !== undefined && typeof parent === "object" && parent !== null) change(parent, key);
  return copy;
}

const junk = fc.oneof(
  fc.constant(null),
  fc.constant(undefined),
  fc.integer({ min: -3, max: 3 }),
  fc.double(),
  fc.string(),
  fc.boolean(),
  fc.constant([]),
  fc.constant({}),
  fc.constantFrom("stop", "length", "assistant", "function", "error", "session.created"),
);

/** An answer with one to three places deleted or replaced, or with a field more. */
function damaged(value: unknown): fc.Arbitrary<unknown> {
  const paths = listPaths(value);
  const change = fc.tuple(fc.constantFrom(...paths), fc.constantFrom("delete", "set", "add"), junk);
  return fc.array(change, { maxLength: 3 }).map((changes) =>
    changes.reduce<unknown>(
      (current, [path, how, other]) =>
        damage(current, path, (parent, key) => {
          if (how === "delete" && !Array.isArray(parent)) Reflect.deleteProperty(parent, key);
          if (how === "set") Reflect.set(parent, key, other);
          if (how === "add" && !Array.isArray(parent)) Reflect.set(parent, "x_unknown", other);
        }),
      value,
    ),
  );
}

test.each(SAMPLES)(
  "a %s is accepted as it is where zod accepts it, and else only after what leniency allows",
  (_, schema, sample) => {
    const check = compileCheck(schema);
    expect(check(structuredClone(sample))).toBeNull();
    fc.assert(
      fc.property(damaged(sample), (value) => {
        const before = structuredClone(value);
        const failure = check(value);
        if (schema.safeParse(before).success) {
          expect(failure).toBeNull();
          expect(value).toEqual(before);
        }
        // What is accepted has the shape, nulls in optional fields and texts in place of one of several aside.
        const isOtherText = ({ message }: { readonly message: string }) => message.startsWith("Invalid option");
        if (failure === null) expect(validateShape(schema, value).filter((found) => !isOtherText(found))).toEqual([]);
        else expect(schema.safeParse(before).success).toBe(false);
      }),
      { numRuns: 300 },
    );
  },
);

test("a field that must be present and may be null is set to null, and an unknown field is kept", () => {
  const check = compileCheck(
    z.looseObject({ refusal: z.string().nullable(), parts: z.array(z.looseObject({ a: z.int().nullable() })) }),
  );
  const value = { parts: [{}], x_extra: 1 };
  expect(check(value)).toBeNull();
  expect(value).toEqual({ refusal: null, parts: [{ a: null }], x_extra: 1 });
});

test("a failure names the place and what came", () => {
  const check = compileCheck(createChatCompletion.streamEvent);
  const wrong = { ...chunk, choices: [{ ...chunk.choices[0], finish_reason: 7 }] };
  expect(check(wrong)).toMatchObject({
    segments: ["choices", 0, "finish_reason"],
    message: expect.stringMatching(/received number/),
  });
  expect(check({ ...chunk, object: "tired" })).toMatchObject({
    segments: ["object"],
    message: expect.stringMatching(/received "tired"/),
  });
  expect(check({ ...chunk, created: 1.5 })).toMatchObject({ segments: ["created"] });
  expect(check(null)).toEqual({ segments: [], message: "expected an object, received null" });
});

test("a text that is one of several may be another one: servers have values of their own", () => {
  const check = compileCheck(createChatCompletion.streamEvent);
  const own = { ...chunk, service_tier: "on_demand", choices: [{ ...chunk.choices[0], finish_reason: "abort" }] };
  expect(check(own)).toBeNull();
});

test("nothing is set by a branch of a union that is not the value's", () => {
  const check = compileCheck(
    z.union([z.looseObject({ a: z.string().nullable(), b: z.string() }), z.looseObject({ c: z.string() })]),
  );
  const value = { c: "x" };
  expect(check(value)).toBeNull();
  expect(value).toEqual({ c: "x" });
});

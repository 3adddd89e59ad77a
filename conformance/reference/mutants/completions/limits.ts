/** Plain completions of the wrong length, and requests that are not refused, or not as they have to be. */

import { makeRefusal } from "../../refusal.ts";
import { accept, lose, mutateTextChoice, refuse } from "./changes.ts";
import { type Mutant, mutateOperation, omit } from "../mutant.ts";

const limitMutants: readonly Mutant[] = [
  lose(
    {
      id: "completions.max-tokens-ignored",
      description: "a text has 16 tokens whatever was asked for",
      intended: [
        "completions.echo.nothing-written",
        "completions.limit.max-tokens",
        "completions.limit.length-is-reached",
        "completions.limit.length-is-reached-stream",
      ],
    },
    (body) => ({ ...body, max_tokens: 16 }),
  ),
  mutateTextChoice(
    {
      id: "completions.always-stop",
      description: "a cut text ends with `stop`",
      intended: ["completions.limit.max-tokens"],
    },
    (choice) => ({ ...choice, finish_reason: "stop" }),
  ),
  lose(
    {
      id: "completions.no-default-limit",
      description: "a text without a limit is as long as the model likes",
      intended: ["completions.limit.default"],
    },
    (body) => ({ max_tokens: 200, ...body }),
  ),
  lose(
    {
      id: "completions.stop-ignored",
      description: "`stop` is ignored",
      intended: ["completions.stop.list", "completions.stop.string"],
    },
    (body) => omit(body, "stop"),
  ),
  lose(
    {
      id: "completions.first-stop-only",
      description: "only the first of several stops counts",
      intended: ["completions.stop.list"],
    },
    (body) => ({ ...body, stop: [body["stop"]].flat()[0] }),
  ),
  mutateTextChoice(
    {
      id: "completions.stop-echoed",
      description: "the stop sequence is left at the end of the text",
      intended: ["completions.stop.not-echoed"],
    },
    (choice, body) =>
      typeof body["stop"] === "string" && choice.finish_reason === "stop"
        ? { ...choice, text: `${choice.text}${body["stop"]}` }
        : choice,
  ),
  mutateTextChoice(
    {
      id: "completions.stopped-is-cut",
      description: "a text that ended at a stop sequence ends with `length`",
      intended: ["completions.stop.finish-reason"],
    },
    (choice) => ({ ...choice, finish_reason: "length" }),
  ),
];

const refusalMutants: readonly Mutant[] = [
  accept(
    {
      id: "completions.prompt-of-anything",
      description: "an object is printed and gone on with",
      intended: ["completions.refusal.prompt-type"],
    },
    (body) =>
      typeof body["prompt"] === "object" && body["prompt"] !== null && !Array.isArray(body["prompt"])
        ? { ...body, prompt: JSON.stringify(body["prompt"]) }
        : body,
  ),
  accept(
    {
      id: "completions.temperature-clamped",
      description: "a temperature above 2 is taken for 2",
      intended: ["completions.refusal.temperature-range"],
    },
    (body) => (Number(body["temperature"]) > 2 ? { ...body, temperature: 2 } : body),
  ),
  mutateOperation(
    {
      id: "completions.temperature-unnamed",
      description: "the refusal of a temperature names no parameter",
      intended: ["completions.refusal.temperature-param"],
    },
    "createCompletion",
    ({ validate }) => ({
      validate: (request) => (Number(request["temperature"]) > 2 ? makeRefusal("invalid_value") : validate(request)),
    }),
  ),
  accept(
    {
      id: "completions.logprobs-clamped",
      description: "a million `logprobs` are taken for five",
      intended: ["completions.refusal.logprobs-range"],
    },
    (body) => (Number(body["logprobs"]) > 5 ? { ...body, logprobs: 5 } : body),
  ),
  accept(
    {
      id: "completions.best-of-raised",
      description: "`best_of` below `n` is taken for `n`",
      intended: ["completions.refusal.best-of-below-n"],
    },
    (body) => (Number(body["best_of"]) < Number(body["n"]) ? { ...body, best_of: body["n"] } : body),
  ),
  accept(
    {
      id: "completions.best-of-streamed",
      description: "the first of several is streamed for the best",
      intended: ["completions.refusal.best-of-stream", "completions.stream.refused-alike"],
    },
    (body) => (body["stream"] === true ? omit(body, "best_of") : body),
  ),
  accept(
    {
      id: "completions.any-model",
      description: "an unknown model is taken for the usual one",
      intended: ["completions.refusal.unknown-model-404"],
    },
    (body) => (body["model"] === "conformance-no-such-model" ? { ...body, model: "reference-chat" } : body),
  ),
  accept(
    {
      id: "completions.cut-in-silence",
      description: "a long prompt loses its beginning",
      intended: ["completions.refusal.too-long"],
    },
    (body) => ({
      ...body,
      ...(typeof body["prompt"] === "string" ? { prompt: body["prompt"].slice(-10_000) } : {}),
    }),
  ),
  refuse(
    {
      id: "completions.too-long-is-invalid",
      description: "the refusal of a long prompt does not say that it is too long",
      intended: ["completions.refusal.too-long", "completions.refusal.too-long-stream"],
    },
    "prompt",
    (body) => typeof body["prompt"] === "string" && body["prompt"].length > 10_000,
  ),
];

export const completionLimitMutants: readonly Mutant[] = [...limitMutants, ...refusalMutants];

/** Log probabilities of the tokens of an answer. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

const bytesSchema = z.array(z.int().min(0).max(255)).nullable();

/** A token of the answer, with the likeliest tokens of its place. `top_logprobs` is `[]` when none were asked for. */
export const tokenLogprobSchema = openObject({
  token: z.string(),
  logprob: z.number(),
  bytes: bytesSchema,
  top_logprobs: z.array(openObject({ token: z.string(), logprob: z.number(), bytes: bytesSchema })),
}).meta({ id: "ChatCompletionTokenLogprob" });
export type TokenLogprob = z.infer<typeof tokenLogprobSchema>;

/** The log probabilities of a choice, one list for its content and one for its refusal. */
export const choiceLogprobsSchema = openObject({
  content: z.array(tokenLogprobSchema).nullable(),
  refusal: z.array(tokenLogprobSchema).nullable(),
});
export type ChoiceLogprobs = z.infer<typeof choiceLogprobsSchema>;

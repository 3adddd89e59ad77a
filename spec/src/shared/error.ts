/**
 * The error envelope of every surface: HTTP bodies and the `error` event in a stream. Which status and code an error
 * has is decided by the server, not here.
 */
import { z } from "zod";
import { openObject } from "./open-object.ts";

/** What went wrong. All four keys are always present; `param` and `code` may be `null`. */
export const errorObjectSchema = openObject({
  message: z.string().describe("What failed, why, and what to do about it."),
  type: z.string().describe("The class of the error, such as `invalid_request_error`."),
  param: z.string().nullable().describe("The request field to blame, as a path such as `messages[0].content`."),
  code: z.string().nullable().describe("The machine-readable reason, such as `model_not_found`."),
}).meta({ id: "Error" });
export type ErrorObject = z.infer<typeof errorObjectSchema>;

/** The body of every answer whose status is 400 or above. */
export const errorResponseSchema = openObject({ error: errorObjectSchema }).meta({ id: "ErrorResponse" });
export type ErrorResponse = z.infer<typeof errorResponseSchema>;

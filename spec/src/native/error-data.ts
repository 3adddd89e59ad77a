/** What `data` of a native error holds. */
import { z } from "zod";

export const nativeErrorDataSchema = z.object({
  code: z.string().describe("As `error.code` of `/v1`; `subscription_lost` is this surface's own."),
  type: z.string().describe("As `error.type` of `/v1`."),
  param: z.string().nullable().describe("The field of the input that is to blame."),
  requestId: z.string().nullable(),
  httpStatus: z.int(),
  path: z.string().nullable().describe("The procedure."),
  shouldRetry: z.boolean().optional().describe("Where the rule of the status (408, 409, 429, 5xx) would be wrong."),
  retryAfterMs: z.number().min(0).optional(),
});
export type NativeErrorData = z.infer<typeof nativeErrorDataSchema>;

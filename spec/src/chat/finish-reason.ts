/** Why a model stopped. */
import { z } from "zod";

/** Never an empty string and never a server's own word: typed clients fail on both. */
export const finishReasonSchema = z.enum(["stop", "length", "tool_calls", "content_filter", "function_call"]);
export type FinishReason = z.infer<typeof finishReasonSchema>;

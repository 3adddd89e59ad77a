/** How much a reasoning model reasons before it answers. */
import { z } from "zod";

export const reasoningEffortSchema = z
  .enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
  .meta({ id: "ReasoningEffort" });
export type ReasoningEffort = z.infer<typeof reasoningEffortSchema>;

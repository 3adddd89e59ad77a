/** What several native shapes are made of. */
import { z } from "zod";

/** A procedure that takes no input. */
export const noInputSchema = z.undefined();

/** Milliseconds since the epoch, or a duration in milliseconds. */
export const wholeMilliseconds = z.int().min(0);

export const tokenCount = z.int().min(0);

/** Of a model, a task or a run; any text that is not empty. */
export const nativeIdSchema = z.string().min(1).max(512);

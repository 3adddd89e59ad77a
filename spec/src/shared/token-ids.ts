/** Text that the caller has already cut into tokens, as the numbers of a model's own vocabulary. */
import { z } from "zod";

/** At least one token. How many a model takes is the server's business. */
export const tokenIdsSchema = z.array(z.int().min(0, { abort: true })).min(1);

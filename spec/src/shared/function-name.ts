/** The names that a caller may give to functions, tools and answer formats. */
import { z } from "zod";

/** Letters, digits, underscores and dashes, 1 to 64 of them. */
export const functionNameSchema = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);

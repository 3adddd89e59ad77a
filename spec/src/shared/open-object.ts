/**
 * The one kind of object that this specification describes: known keys are checked, unknown keys are kept. It holds no
 * shape of its own.
 */
import { z } from "zod";

/**
 * An object whose unknown keys pass through. OpenAI adds fields between releases and compatible servers add their own,
 * so neither a request nor a response is wrong because it holds more than was documented.
 *
 * The inferred type lists the known keys alone: an index signature would make every misspelt key legal in our code.
 */
export function openObject<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape> {
  return z.looseObject(shape);
}

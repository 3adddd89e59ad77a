/** Values as a form carries them: files, and text where JSON has numbers, booleans and lists. */
import { z } from "zod";

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A number, or its decimal text. Other text is left to the schema, which refuses it. */
export function formNumber<Schema extends z.ZodType<number>>(schema: Schema) {
  return z.preprocess((value) => (typeof value === "string" && DECIMAL.test(value) ? Number(value) : value), schema);
}

/** A boolean, or its text in any case: JavaScript writes `true`, Python `True`. */
export function formBoolean() {
  return z.preprocess((value) => {
    const text = typeof value === "string" ? value.toLowerCase() : null;
    return text === "true" || text === "false" ? text === "true" : value;
  }, z.boolean());
}

/** A list, or its one element: `languages=de` is as good as `languages[]=de`. */
export function formList<Element extends z.ZodType>(schema: z.ZodArray<Element>) {
  return z.preprocess((value) => (Array.isArray(value) ? value : [value]), schema);
}

/** A file of any name and type; both are hints, since recorders and SDKs send `blob` and `application/octet-stream`. */
export const formFileSchema = z.file().meta({ type: "string", format: "binary" });

/** A JSON Schema that a grammar can't keep to, or that nothing fits. */

export class UnsupportedSchemaError extends Error {
  override readonly name = "UnsupportedSchemaError";
  /** A JSON pointer into the schema; empty for the whole. */
  readonly path: string;

  /** @param reason for the author of the schema: what can't be, and where it helps, what can. */
  constructor(path: string, reason: string) {
    super(path === "" ? reason : `at '${path.slice(0, 200)}': ${reason}`);
    this.path = path;
  }
}

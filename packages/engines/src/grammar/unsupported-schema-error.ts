/** A JSON Schema that a grammar can't enforce, or that no value conforms to. */

export class UnsupportedSchemaError extends Error {
  override readonly name: string = "UnsupportedSchemaError";
  /** A JSON pointer into the schema; empty for the whole. */
  readonly path: string;

  /** @param reason for the author of the schema: what is not supported, and an alternative where there is one. */
  constructor(path: string, reason: string) {
    super(path === "" ? reason : `at '${path.slice(0, 200)}': ${reason}`);
    this.path = path;
  }
}

/** A schema that exceeds a bound: a part of it could be enforced. */
export class SchemaTooLargeError extends UnsupportedSchemaError {
  override readonly name = "SchemaTooLargeError";
}

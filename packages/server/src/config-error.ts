/** A configuration that can't be used; the message says which key of which source, and why. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** A command that did its work and came to a bad end, which its message tells a person in full. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}

/** A command that failed after its work; its message says everything that a person needs. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
}

/** Why a model could not be loaded, in words for the caller of the API. */

/** What the caller may read: no path, no stack. */
export function explainLoadError(error: unknown): string {
  const name = error instanceof Error ? error.constructor.name : "";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (name === "NoBinaryFoundError" || code === "ERR_MODULE_NOT_FOUND") {
    return (
      `The engine has no binary for this machine (${process.platform}-${process.arch}). ` +
      "Install node-llama-cpp with the @node-llama-cpp package for it."
    );
  }
  if (name === "InsufficientMemoryError") {
    return "There is not enough memory for the model. Lower its number of sequences or its context, or take a smaller model.";
  }
  if (code === "ENOENT") return "The model file does not exist. Pull the model first.";
  return "The model can't be loaded. The log of the server says why.";
}

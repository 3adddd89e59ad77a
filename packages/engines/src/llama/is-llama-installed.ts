/** Whether the native library is there at all: it is an optional peer. Finding it loads nothing. */

export function isLlamaInstalled(): boolean {
  try {
    import.meta.resolve("node-llama-cpp");
    return true;
  } catch {
    return false;
  }
}

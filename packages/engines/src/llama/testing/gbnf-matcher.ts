/** llama.cpp's own grammar matcher, for tests of grammars: no model is needed. */

/** Judges whole texts. */
export type GbnfMatcher = (text: string) => boolean;

/** The library has no public way to ask whether a text fits. @throws Error for a grammar that it does not take. */
export async function createGbnfMatcher(gbnf: string): Promise<GbnfMatcher> {
  native ??= openNative();
  const { library, llama } = await native;
  const grammar = new library.LlamaGrammar(llama, { grammar: gbnf });
  const test: unknown = Reflect.get(grammar, "_testText");
  if (typeof test !== "function") throw new Error("This release of node-llama-cpp can't test a text.");
  return (text) => Reflect.apply(test, grammar, [text]) === true;
}

let native: ReturnType<typeof openNative> | null = null;

async function openNative() {
  const library = await import("node-llama-cpp");
  const logLevel = library.LlamaLogLevel.disabled;
  const llama = await library.getLlama({ gpu: false, build: "never", skipDownload: true, logLevel, maxThreads: 1 });
  return { library, llama };
}

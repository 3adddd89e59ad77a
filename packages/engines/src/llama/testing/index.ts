/** A model that tests make themselves, for every package that runs the real engine. */

export { RANDOM_MODEL_CONTROL_TOKENS, randomModelByteToken, writeRandomModel } from "./random-gguf.ts";
export type { RandomModelOptions } from "./random-gguf.ts";

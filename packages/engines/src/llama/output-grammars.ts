/** Compiles the output of a request to a grammar of the native code, once for all of its choices. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { ChatOutput } from "@openai-compat/core";
import type { Llama, LlamaGrammar } from "node-llama-cpp";
import { compileOutput } from "../grammar/output-schemas.ts";
import { printGrammar } from "../grammar/print-grammar.ts";
import { buildOutputGrammar } from "./output-grammar.ts";
import type { OutputGrammar } from "./output-grammar.ts";

export interface CompiledOutput {
  readonly outputGrammar: OutputGrammar;
  readonly native: LlamaGrammar;
}

export interface OutputGrammars {
  /** @returns null for free text. */
  compile(output: ChatOutput): Promise<CompiledOutput | null>;
}

/** An output is compiled once for all choices of a request: they share it, and a large schema is slow to compile. */
export function createOutputGrammars(llama: Llama): OutputGrammars {
  const compiled = new WeakMap<ChatOutput, Promise<CompiledOutput | null>>();
  return {
    compile(output) {
      let grammar = compiled.get(output);
      if (grammar === undefined) compiled.set(output, (grammar = compileGrammar(llama, output)));
      return grammar;
    },
  };
}

async function compileGrammar(llama: Llama, output: ChatOutput): Promise<CompiledOutput | null> {
  const outputGrammar = buildOutputGrammar(output, await compileOutput(output));
  if (outputGrammar === null) return null;
  // A large grammar takes its time to be printed, and to be read by the native code: each in a turn of its own.
  await nextTurn();
  const grammar = printGrammar(outputGrammar.grammar);
  await nextTurn();
  return { outputGrammar, native: await llama.createGrammar({ grammar }) };
}

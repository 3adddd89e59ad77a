/** Compiles the output of a request to a grammar of the native code, once for all of its choices and all requests like it. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { ChatOutput } from "@openai-compat/core";
import type { Llama, LlamaGrammar } from "node-llama-cpp";
import { compileOutput } from "../grammar/output-schemas.ts";
import { printGrammar } from "../grammar/print-grammar.ts";
import { createSizedCache } from "../shared/sized-cache.ts";
import { buildOutputGrammar } from "./output-grammar.ts";
import type { OutputGrammar } from "./output-grammar.ts";
import { hashOutput } from "./output-key.ts";

export interface CompiledOutput {
  readonly outputGrammar: OutputGrammar;
  readonly native: LlamaGrammar;
}

export interface OutputGrammars {
  /** @returns null for free text. */
  compile(output: ChatOutput): Promise<CompiledOutput | null>;
}

/** The part of the library that reads grammars. */
type GrammarReader = Pick<Llama, "createGrammar">;

export interface OutputGrammarsOptions {
  /** Grammars that stay compiled when no request needs them. Default 100. */
  readonly keptMax?: number;
  /** Characters of their texts, all together. The largest output has about one million. Default 4,000,000. */
  readonly keptCharactersMax?: number;
}

/**
 * A large schema is slow to compile, and the same output comes again: with each choice of a request, from another process as a
 * copy each time, and with the next request of the same program.
 */
export function createOutputGrammars(llama: GrammarReader, options: OutputGrammarsOptions = {}): OutputGrammars {
  const { keptMax = 100, keptCharactersMax = 4_000_000 } = options;
  const kept = createSizedCache<CompiledOutput>({
    countMax: keptMax,
    sizeMax: keptCharactersMax,
    sizeOf: ({ native }) => native.grammar.length,
  });
  const compiling = new Map<string, Promise<CompiledOutput | null>>();
  /** Of outputs in use, which don't change: the choices of a request need not hash theirs again. */
  const keys = new WeakMap<ChatOutput, Promise<string>>();

  async function compileOnce(key: string, output: ChatOutput): Promise<CompiledOutput | null> {
    try {
      const grammar = await compileGrammar(llama, output);
      if (grammar !== null) kept.set(key, grammar);
      return grammar;
    } finally {
      compiling.delete(key);
    }
  }

  return {
    async compile(output) {
      if (output.format.type === "text" && output.toolUse === null) return null;
      let hashed = keys.get(output);
      if (hashed === undefined) keys.set(output, (hashed = hashOutput(output)));
      const key = await hashed;
      const ready = kept.get(key);
      if (ready !== undefined) return ready;
      let grammar = compiling.get(key);
      if (grammar === undefined) compiling.set(key, (grammar = compileOnce(key, output)));
      return grammar;
    },
  };
}

async function compileGrammar(llama: GrammarReader, output: ChatOutput): Promise<CompiledOutput | null> {
  const outputGrammar = buildOutputGrammar(output, await compileOutput(output));
  if (outputGrammar === null) return null;
  // A large grammar takes its time to be printed, and to be read by the native code: each in a turn of its own.
  await nextTurn();
  const grammar = printGrammar(outputGrammar.grammar);
  await nextTurn();
  return { outputGrammar, native: await llama.createGrammar({ grammar }) };
}

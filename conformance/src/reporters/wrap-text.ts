/** Breaks text between words so that it fits a terminal. A log and a file keep lines whole: tools search them. */

import { type Output, readColumns } from "./reporter.ts";

export interface WrapOptions {
  readonly output: Output;
  /** Spaces before each line but the first. */
  readonly indent: number;
}

/** A word that is longer than a line stays whole. @returns the lines, at least one */
export function wrapText(text: string, { output, indent }: WrapOptions): readonly string[] {
  if (!output.isTerminal) return [text];
  const width = readColumns(output) - 1;
  const lines: string[] = [];
  let line = "";
  for (const part of text.match(/^ *\S+|\s+\S+|\s+$/g) ?? []) {
    if (line !== "" && line.length + part.length > width) {
      lines.push(line);
      line = " ".repeat(indent) + part.trimStart();
    } else line += part;
  }
  return [...lines, line];
}

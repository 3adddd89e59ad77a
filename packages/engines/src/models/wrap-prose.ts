/**
 * Breaks sentences between words where a terminal would break them within one. Files and pipes get them as they are.
 */

/** A terminal that does not say how wide it is. */
export const COLUMNS_DEFAULT = 80;

/** Where a text goes. */
export interface ProseStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * Lines stay lines, and what is broken keeps its indentation; a word that is wider than the terminal stays in one
 * piece, so that it can be copied.
 */
export function wrapProse(text: string, { isTTY, columns }: ProseStream): string {
  if (isTTY !== true) return text;
  const width = columns === undefined || columns <= 0 ? COLUMNS_DEFAULT : columns;
  return text
    .split("\n")
    .map((line) => (line.length <= width ? line : wrapLine(line, width)))
    .join("\n");
}

function wrapLine(line: string, width: number): string {
  const indentation = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = indentation;
  for (const word of line.slice(indentation.length).split(" ")) {
    const isFirst = current === indentation;
    if (!isFirst && current.length + 1 + word.length > width) {
      lines.push(current);
      current = indentation + word;
    } else current += isFirst ? word : ` ${word}`;
  }
  return [...lines, current].join("\n");
}

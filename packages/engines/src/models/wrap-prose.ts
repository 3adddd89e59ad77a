/** Breaks sentences between words where a terminal would break them within one. Files and pipes get them as they are. */

/** A terminal that does not say how wide it is. */
export const COLUMNS_DEFAULT = 80;

/** Where a text goes. */
export interface ProseStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Lines stay lines; a word that is wider than the terminal stays in one piece, so that it can be copied. */
export function wrapProse(text: string, { isTTY, columns }: ProseStream): string {
  if (isTTY !== true) return text;
  const width = columns === undefined || columns <= 0 ? COLUMNS_DEFAULT : columns;
  return text
    .split("\n")
    .map((line) => (line.length <= width ? line : wrapLine(line, width)))
    .join("\n");
}

function wrapLine(line: string, width: number): string {
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(" ")) {
    if (current !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === "" ? word : `${current} ${word}`;
  }
  return [...lines, current].join("\n");
}

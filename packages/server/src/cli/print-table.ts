/** Rows for people and programs: aligned on a terminal, else separated by tabs, under a header in both. */

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** @param isTerminal whether the text goes to one. @returns lines with their breaks; no cell can make another one. */
export function renderTable({ header, rows }: Table, isTerminal: boolean): string {
  const lines = [header, ...rows].map((row) => row.map(makePrintable));
  const widths = header.map((_, column) => Math.max(...lines.map((row) => (row[column] ?? "").length)));
  const align = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return lines.map((row) => `${isTerminal ? align(row).trimEnd() : row.join("\t")}\n`).join("");
}

function makePrintable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
}

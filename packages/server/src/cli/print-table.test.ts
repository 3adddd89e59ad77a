import { expect, test } from "vitest";
import { renderTable } from "./print-table.ts";

const table = {
  header: ["id", "name", "state"],
  rows: [
    ["key_1", "laptop", "active"],
    ["key_22", "a\tb\nc\u001b[2J", "revoked"],
  ],
};

test("a terminal gets aligned columns", () => {
  expect(renderTable(table, true)).toBe(
    "id      name       state\nkey_1   laptop     active\nkey_22  a b c [2J  revoked\n",
  );
});

test("a program gets as many fields in each line, separated by tabs", () => {
  const lines = renderTable(table, false).trimEnd().split("\n");
  expect(lines[0]).toBe("id\tname\tstate");
  expect(lines.map((line) => line.split("\t").length)).toEqual([3, 3, 3]);
});

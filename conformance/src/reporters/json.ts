/** Writes the report that other tools read; its shape is `report.schema.json`. */

import { encodeJsonReport } from "../report.ts";
import type { Output, Reporter } from "./reporter.ts";

export function createJsonReporter(output: Output): Reporter {
  return {
    handle(event) {
      if (event.type === "run-end") output.write(`${JSON.stringify(encodeJsonReport(event.report), null, 2)}\n`);
    },
  };
}

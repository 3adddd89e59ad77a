/** The events of streamed transcriptions and speech: `….delta` any number of times, then one `….done` with the usage. */

import { NO_USAGE, type UsageUnits } from "@openai-compat/core";
import { decodeUsage } from "./decode-usage.ts";
import type { EventReader } from "./event-reader.ts";

export function createAudioEventReader(): EventReader {
  let usage: UsageUnits = NO_USAGE;
  let isFinished = false;
  return {
    endsWithDone: false,
    readAlike: () => null,
    read(text, value) {
      usage = decodeUsage(value["usage"]) ?? usage;
      isFinished = typeof value["type"] === "string" && value["type"].endsWith(".done");
      return text;
    },
    usage: () => usage,
    isFinished: () => isFinished,
  };
}

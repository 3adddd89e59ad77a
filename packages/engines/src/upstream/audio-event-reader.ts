/**
 * The events of streamed transcriptions and speech: `….delta` any number of times, then one `….done` with the usage.
 */

import { NO_USAGE, type UsageUnits } from "@openai-compat/core";
import { decodeUsage } from "./decode-usage.ts";
import type { EventReader } from "./event-reader.ts";
import { UpstreamError } from "./upstream-error.ts";

export function createAudioEventReader(): EventReader {
  let usage: UsageUnits = NO_USAGE;
  let hasUsage = false;
  let isFinished = false;
  return {
    endsWithDone: false,
    tryFastPath: () => null,
    read(text, value) {
      const reported = decodeUsage(value["usage"]);
      usage = reported ?? usage;
      hasUsage ||= reported !== null;
      const { type } = value;
      // Pings have no type, or the type `ping`.
      if (typeof type !== "string" || type === "ping") return [];
      isFinished ||= type.endsWith(".done");
      return [text.includes("\n") ? JSON.stringify(value) : text];
    },
    end(isDone) {
      if (!isFinished && !isDone) throw new UpstreamError("broken", "The stream ended before the answer did.");
      return [];
    },
    usage: () => usage,
    source: () => (hasUsage ? "reported" : "estimated"),
    isFinished: () => isFinished,
  };
}

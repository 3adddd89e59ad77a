/** The chunks of an upstream's chat as the events of a prompt, one after the other. */

import { mapUpstreamUsage, notAnswered, readReasoning } from "./upstream-parts.ts";
import type { UpstreamChunk } from "./upstream-parts.ts";
import type { PromptDelta } from "./prompt-run.ts";

type ToolDelta = NonNullable<UpstreamChunk["choices"][number]["delta"]["tool_calls"]>[number];

export interface ChunkMapper {
  push(chunk: UpstreamChunk): PromptDelta[];
  /** Called when nothing follows. @throws AiError `upstream_failed` where the answer is not complete */
  end(): PromptDelta[];
  isComplete(): boolean;
}

export function createChunkMapper(): ChunkMapper {
  const calls = new Set<number>();
  let finishReason: UpstreamChunk["choices"][number]["finish_reason"] = null;
  let usage: UpstreamChunk["usage"] = null;
  let isComplete = false;
  const mapTool = (tool: ToolDelta): PromptDelta[] => {
    const { index, id = "", custom } = tool;
    const called = custom ?? tool.function;
    const events: PromptDelta[] = [];
    if (!calls.has(index)) {
      calls.add(index);
      const kind = custom === undefined ? "function" : "custom";
      events.push({ type: "tool-call-start", index, id, kind, name: called?.name ?? "" });
    }
    const text = custom === undefined ? tool.function?.arguments : custom.input;
    if (text !== undefined && text !== "") events.push({ type: "tool-call-delta", index, text });
    return events;
  };
  return {
    push(chunk) {
      usage = chunk.usage ?? usage;
      const choice = chunk.choices.find(({ index }) => index === 0);
      if (choice === undefined) return [];
      finishReason = choice.finish_reason ?? finishReason;
      const reasoning = readReasoning(choice.delta);
      const { content, tool_calls: tools = [] } = choice.delta;
      return [
        ...(reasoning === "" ? [] : [{ type: "reasoning-delta", text: reasoning } as const]),
        ...(content === null || content === undefined || content === ""
          ? []
          : [{ type: "text-delta", text: content } as const]),
        ...tools.flatMap(mapTool),
      ];
    },
    end() {
      if (finishReason === null) throw notAnswered();
      isComplete = true;
      return [{ type: "end", finishReason, usage: mapUpstreamUsage(usage) }];
    },
    isComplete: () => isComplete,
  };
}

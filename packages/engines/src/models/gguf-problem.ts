/** Tells a file that can't be served as a model from its head, before anybody waits for it to be loaded. */
import { open } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { GGUF_MAGIC } from "../shared/gguf-writer.ts";
import { decodeGgufHeader } from "./gguf-header.ts";
import { GgufHeaderCutError, decodeGgufFile } from "./gguf-reader.ts";
import { decodeGgufShape } from "./gguf-shape.ts";

/**
 * @param type what the model is to be served as
 * @returns why it can't be, as the end of a sentence that begins with the file's name; null when the head says nothing
 *   against it, which it doesn't either where only the library can read it
 */
export async function findGgufProblem(modelPath: string, type: "chat" | "embedding"): Promise<string | null> {
  try {
    await using source = await open(modelPath, "r");
    const stats = await source.stat();
    if (!stats.isFile()) return "is not a file";
    const magic = Buffer.alloc(GGUF_MAGIC.length);
    await source.read(magic, 0, magic.length, 0);
    if (magic.toString("latin1") !== GGUF_MAGIC) return "is not a GGUF file";
    const { isCut, hasChatTemplate } = await decodeGgufFile(source, stats.size, (bytes) => {
      const { header, dataOffset } = decodeGgufHeader(bytes);
      const isBeyond = header.tensors.some(({ offsetBytes }) => dataOffset + offsetBytes >= stats.size);
      return { isCut: isBeyond, hasChatTemplate: decodeGgufShape(bytes).hasChatTemplate };
    });
    if (isCut) return CUT;
    if (type === "chat" && !hasChatTemplate) {
      return 'has no chat template, so it is not a chat model; an embedding model needs "type": "embedding"';
    }
    return null;
  } catch (thrown) {
    if (thrown instanceof GgufHeaderCutError) return CUT;
    if (thrown instanceof AiError) return null;
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
    return `can't be read: ${code}`;
  }
}

const CUT = "is incomplete: it ends before its weights do";

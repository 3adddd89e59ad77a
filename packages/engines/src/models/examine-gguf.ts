/** What the head of a GGUF file says to those who want to serve it, before anybody waits for it to be loaded. */
import { open } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import type { RecommendedSampling } from "@openai-compat/core";
import { GGUF_MAGIC } from "./convert/gguf-writer.ts";
import { decodeGgufHeader } from "./gguf-header.ts";
import { GgufHeaderCutError, decodeGgufFile } from "./gguf-reader.ts";
import { decodeGgufShape } from "./gguf-shape.ts";

export interface GgufFindings {
  /**
   * Why the file can't be served, as the end of a sentence that begins with its name; null when the head says nothing
   * against it, which it doesn't either where only the library can read it.
   */
  readonly problem: string | null;
  /** What the file recommends. */
  readonly sampling: RecommendedSampling;
}

/** Reads no more than the head. @param type what the model is to be served as */
export async function examineGguf(modelPath: string, type: "chat" | "embedding"): Promise<GgufFindings> {
  const refuse = (problem: string | null): GgufFindings => ({ problem, sampling: {} });
  try {
    await using source = await open(modelPath, "r");
    const stats = await source.stat();
    if (!stats.isFile()) return refuse("is not a file");
    const magic = Buffer.alloc(GGUF_MAGIC.length);
    await source.read(magic, 0, magic.length, 0);
    if (magic.toString("latin1") !== GGUF_MAGIC) return refuse("is not a GGUF file");
    const { isCut, shape } = await decodeGgufFile(source, stats.size, (bytes) => {
      const { header, dataOffset } = decodeGgufHeader(bytes);
      const isBeyond = header.tensors.some(({ offsetBytes }) => dataOffset + offsetBytes >= stats.size);
      return { isCut: isBeyond, shape: decodeGgufShape(bytes) };
    });
    if (isCut) return refuse(CUT);
    if (type === "chat" && !shape.hasChatTemplate) return refuse(NO_TEMPLATE);
    return { problem: null, sampling: shape.sampling };
  } catch (thrown) {
    if (thrown instanceof GgufHeaderCutError) return refuse(CUT);
    if (thrown instanceof AiError) return refuse(null);
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
    return refuse(`can't be read: ${code}`);
  }
}

const NO_TEMPLATE = 'has no chat template, so it is not a chat model; an embedding model needs "type": "embedding"';
const CUT = "is incomplete: it ends before its weights do";

/**
 * Rewrites a GGUF file with its Q4_1 tensors as Q8_0; everything else is copied as it stands. Reads and writes in
 * chunks, so memory stays bounded and the event loop gets its turn between two of them.
 */
import { open, type FileHandle } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { alignUp, encodeGgufHeader, type GgufHeader, type GgufTensor } from "./gguf-writer.ts";
import { decodeGgufHeader } from "../gguf-header.ts";
import { decodeGgufFile } from "../gguf-reader.ts";
import { writePinnableFile, type WriteOptions, type WrittenFile } from "../write-pinnable-file.ts";
import { Q4_1_BLOCK_BYTES, Q8_0_BLOCK_BYTES, WEIGHTS_PER_BLOCK, reencodeQ41AsQ80 } from "./q4-1-to-q8-0.ts";

const TYPE_Q4_1 = 3;
const TYPE_Q8_0 = 8;
/** `LLAMA_FTYPE_MOSTLY_Q8_0`, what `general.file_type` says of such a file. */
const FILE_TYPE_Q8_0 = 7;
/** Encodings that may stand beside Q4_1 tensors: weights and bytes per block, by ggml type number. */
const ENCODINGS = new Map([
  [0, { weights: 1, bytes: 4 }],
  [1, { weights: 1, bytes: 2 }],
  [TYPE_Q4_1, { weights: WEIGHTS_PER_BLOCK, bytes: Q4_1_BLOCK_BYTES }],
  [TYPE_Q8_0, { weights: WEIGHTS_PER_BLOCK, bytes: Q8_0_BLOCK_BYTES }],
  [30, { weights: 1, bytes: 2 }],
]);
/** Blocks per chunk: about ten milliseconds of work. */
const CHUNK_BLOCKS = 8192;

export interface RequantiseOptions extends WriteOptions {
  readonly sourcePath: string;
}

interface TensorPlan {
  readonly tensor: GgufTensor;
  readonly target: GgufTensor;
  readonly sourceBytes: number;
  readonly targetBytes: number;
}

/**
 * @returns size and checksum of what was written; they depend on the source's bytes alone
 * @throws AiError `invalid_value` when the source is no GGUF file, is damaged, or has tensors of another encoding than
 *   F32, F16, BF16, Q8_0 and Q4_1
 */
export async function requantiseGguf(options: RequantiseOptions): Promise<WrittenFile> {
  await using source = await open(options.sourcePath, "r");
  const { size } = await source.stat();
  const { header, fileTypeOffset, dataOffset } = await decodeGgufFile(source, size, decodeGgufHeader);
  const plans = planTensors(header);
  for (const { tensor, sourceBytes } of plans) {
    if (dataOffset + tensor.offsetBytes + sourceBytes > size) {
      throw new AiError("invalid_value", `The GGUF file is damaged: tensor ${tensor.name} ends beyond the file.`);
    }
  }
  const head = encodeGgufHeader({
    ...header,
    metadata: withFileType(header.metadata, fileTypeOffset),
    tensors: plans.map((plan) => plan.target),
  });
  const last = plans.at(-1);
  const dataBytes = last === undefined ? 0 : alignUp(last.target.offsetBytes + last.targetBytes, header.alignmentBytes);
  const alignmentBytes = header.alignmentBytes;
  const pieces = encodeFile(source, head, { plans, dataOffset, alignmentBytes });
  return await writePinnableFile(options, { pieces, totalBytes: head.length + dataBytes });
}

interface FilePlan {
  readonly plans: readonly TensorPlan[];
  /** Where the source's tensors start. */
  readonly dataOffset: number;
  readonly alignmentBytes: number;
}

async function* encodeFile(
  source: FileHandle,
  head: Uint8Array,
  { plans, dataOffset, alignmentBytes }: FilePlan,
): AsyncGenerator<Uint8Array> {
  yield head;
  for (const { tensor, sourceBytes, targetBytes } of plans) {
    for await (const chunk of readChunks(source, dataOffset + tensor.offsetBytes, sourceBytes)) {
      yield tensor.type === TYPE_Q4_1 ? reencodeQ41AsQ80(chunk) : chunk;
    }
    const padding = alignUp(targetBytes, alignmentBytes) - targetBytes;
    if (padding > 0) yield Buffer.alloc(padding);
  }
}

function planTensors(header: GgufHeader): TensorPlan[] {
  let offsetBytes = 0;
  return header.tensors.map((tensor) => {
    const isConverted = tensor.type === TYPE_Q4_1;
    const type = isConverted ? TYPE_Q8_0 : tensor.type;
    const sourceBytes = tensorBytes(tensor, tensor.type);
    const targetBytes = tensorBytes(tensor, type);
    const target = { ...tensor, type, offsetBytes };
    offsetBytes += alignUp(targetBytes, header.alignmentBytes);
    return { tensor, target, sourceBytes, targetBytes };
  });
}

function tensorBytes(tensor: GgufTensor, type: number): number {
  const encoding = ENCODINGS.get(type);
  if (encoding === undefined) {
    throw new AiError("invalid_value", `Tensor ${tensor.name} has ggml type ${type}, which is not supported.`);
  }
  const [rowWeights = 0] = tensor.dimensions;
  const weights = tensor.dimensions.reduce((product, dimension) => product * dimension, 1);
  if (rowWeights % encoding.weights !== 0 || !Number.isSafeInteger(weights)) {
    throw new AiError("invalid_value", `The GGUF file is damaged: tensor ${tensor.name} has an impossible shape.`);
  }
  return (weights / encoding.weights) * encoding.bytes;
}

function withFileType(metadata: Buffer, fileTypeOffset: number | null): Buffer {
  const changed = Buffer.from(metadata);
  if (fileTypeOffset !== null) changed.writeUInt32LE(FILE_TYPE_Q8_0, fileTypeOffset);
  return changed;
}

async function* readChunks(source: FileHandle, start: number, length: number): AsyncGenerator<Buffer> {
  const chunkBytes = CHUNK_BLOCKS * Q4_1_BLOCK_BYTES;
  for (let done = 0; done < length; done += chunkBytes) {
    const chunk = Buffer.alloc(Math.min(chunkBytes, length - done));
    const { bytesRead } = await source.read(chunk, 0, chunk.length, start + done);
    if (bytesRead !== chunk.length)
      throw new AiError("invalid_value", "The GGUF file became shorter while it was read.");
    yield chunk;
  }
}

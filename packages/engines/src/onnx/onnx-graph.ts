/**
 * Builds an ONNX model in memory: nodes are added one by one, and large weights stay in a file of their own, of which
 * the model says the offset. It knows the container alone, and nothing of what a graph computes.
 *
 * Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

import { encodeBytes, encodeFloat, encodeInteger } from "./protobuf.ts";

/** `TensorProto.DataType` */
export const ONNX_TYPES = { float: 1, uint8: 2, int32: 6, int64: 7 } as const;
export type OnnxType = keyof typeof ONNX_TYPES;

/** A dimension is a number, or the name of one that is known when the model runs. */
export type OnnxShape = readonly (number | string)[];

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** Where the bytes of a tensor lie in a file. */
export interface ExternalTensor {
  readonly type: OnnxType;
  readonly shape: readonly number[];
  /** Relative to the folder that the runtime is given for such files. */
  readonly fileName: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface OnnxNode {
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** Default: one with a name of its own. */
  readonly outputs?: readonly string[];
  /** Default: ONNX's own operators. */
  readonly domain?: string;
}

const IR_VERSION = 9;
/** The first one with `Gelu`. */
const OPSET_VERSION = 20;
export const MICROSOFT_DOMAIN = "com.microsoft";
/** `TensorProto.DataLocation` */
const EXTERNAL = 1;
/** `AttributeProto.AttributeType` */
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INTEGER = 2;
const ATTRIBUTE_STRING = 3;
const ATTRIBUTE_INTEGERS = 7;

export class OnnxGraph {
  readonly #nodes: Buffer[] = [];
  readonly #weights: Buffer[] = [];
  readonly #inputs: Buffer[] = [];
  readonly #outputs: Buffer[] = [];
  #names = 0;

  /** @returns the name, which nodes refer to */
  addInput(name: string, type: OnnxType, shape: OnnxShape): string {
    this.#inputs.push(encodeBytes(11, encodeValueInfo(name, type, shape)));
    return name;
  }

  addOutput(name: string, type: OnnxType, shape: OnnxShape): void {
    this.#outputs.push(encodeBytes(12, encodeValueInfo(name, type, shape)));
  }

  /** A constant; for one dimension the shape may be left out. */
  addFloats(values: ArrayLike<number>, shape: readonly number[] = [values.length]): string {
    const bytes = Buffer.alloc(values.length * 4);
    for (let index = 0; index < values.length; index += 1) bytes.writeFloatLE(values[index] ?? 0, index * 4);
    return this.#addWeights("float", shape, [encodeBytes(9, bytes)]);
  }

  addIntegers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const bytes = Buffer.alloc(values.length * 8);
    for (const [index, value] of values.entries()) bytes.writeBigInt64LE(BigInt(value), index * 8);
    return this.#addWeights("int64", shape, [encodeBytes(9, bytes)]);
  }

  addBytes(values: Uint8Array, shape: readonly number[] = [values.length]): string {
    return this.#addWeights("uint8", shape, [encodeBytes(9, values)]);
  }

  addExternal({ type, shape, fileName, offsetBytes, sizeBytes }: ExternalTensor): string {
    const entry = (key: string, value: string): Buffer =>
      encodeBytes(13, Buffer.concat([encodeBytes(1, key), encodeBytes(2, value)]));
    return this.#addWeights(type, shape, [
      entry("location", fileName),
      entry("offset", String(offsetBytes)),
      entry("length", String(sizeBytes)),
      encodeInteger(14, EXTERNAL),
    ]);
  }

  /** @returns the name of its first output */
  addNode(operator: string, node: OnnxNode): string {
    const [first] = this.addNodes(operator, node, 1);
    return first ?? "";
  }

  /** A node with several outputs. @returns their names */
  addNodes(operator: string, node: OnnxNode, count: number): readonly string[] {
    const { inputs, attributes = {}, domain = "" } = node;
    const outputs = node.outputs ?? Array.from({ length: count }, () => this.#newName());
    const message = Buffer.concat([
      ...inputs.map((name) => encodeBytes(1, name)),
      ...outputs.map((name) => encodeBytes(2, name)),
      encodeBytes(4, operator),
      ...Object.entries(attributes).map(([name, value]) => encodeBytes(5, encodeAttribute(name, value))),
      encodeBytes(7, domain),
    ]);
    this.#nodes.push(encodeBytes(1, message));
    return outputs;
  }

  encode(): Buffer {
    const graph = [...this.#nodes, encodeBytes(2, "graph"), ...this.#weights, ...this.#inputs, ...this.#outputs];
    const operators = (domain: string, version: number): Buffer =>
      encodeBytes(8, Buffer.concat([encodeBytes(1, domain), encodeInteger(2, version)]));
    return Buffer.concat([
      encodeInteger(1, IR_VERSION),
      operators("", OPSET_VERSION),
      operators(MICROSOFT_DOMAIN, 1),
      encodeBytes(7, Buffer.concat(graph)),
    ]);
  }

  #addWeights(type: OnnxType, shape: readonly number[], content: readonly Buffer[]): string {
    const name = this.#newName();
    const message = Buffer.concat([
      ...shape.map((dimension) => encodeInteger(1, dimension)),
      encodeInteger(2, ONNX_TYPES[type]),
      encodeBytes(8, name),
      ...content,
    ]);
    this.#weights.push(encodeBytes(5, message));
    return name;
  }

  #newName(): string {
    this.#names += 1;
    return `value-${this.#names}`;
  }
}

function encodeValueInfo(name: string, type: OnnxType, shape: OnnxShape): Buffer {
  const dimensions = shape.map((dimension) =>
    encodeBytes(1, typeof dimension === "number" ? encodeInteger(1, dimension) : encodeBytes(2, dimension)),
  );
  const tensor = Buffer.concat([encodeInteger(1, ONNX_TYPES[type]), encodeBytes(2, Buffer.concat(dimensions))]);
  return Buffer.concat([encodeBytes(1, name), encodeBytes(2, encodeBytes(1, tensor))]);
}

function encodeAttribute(name: string, value: OnnxAttribute): Buffer {
  return Buffer.concat([encodeBytes(1, name), ...encodeAttributeValue(value)]);
}

function encodeAttributeValue(value: OnnxAttribute): readonly Buffer[] {
  if (typeof value === "number") return [encodeInteger(3, value), encodeInteger(20, ATTRIBUTE_INTEGER)];
  if (typeof value === "string") return [encodeBytes(4, value), encodeInteger(20, ATTRIBUTE_STRING)];
  if ("float" in value) return [encodeFloat(2, value.float), encodeInteger(20, ATTRIBUTE_FLOAT)];
  return [...value.map((item) => encodeInteger(8, item)), encodeInteger(20, ATTRIBUTE_INTEGERS)];
}

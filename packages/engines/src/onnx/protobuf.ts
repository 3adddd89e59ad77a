/** The wire format of protocol buffers, as far as an ONNX file needs it: https://protobuf.dev/programming-guides/encoding. */

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FLOAT = 5;

export function encodeInteger(field: number, value: number | bigint): Buffer {
  return Buffer.concat([encodeVarint((field << 3) | WIRE_VARINT), encodeVarint(value)]);
}

/** A text, bytes, or a message that is encoded already. */
export function encodeBytes(field: number, value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([encodeVarint((field << 3) | WIRE_BYTES), encodeVarint(bytes.length), bytes]);
}

export function encodeFloat(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([encodeVarint((field << 3) | WIRE_FLOAT), bytes]);
}

/** A negative number takes ten bytes, as its two's complement of 64 bits. */
function encodeVarint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

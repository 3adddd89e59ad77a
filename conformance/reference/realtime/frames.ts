/** Frames of RFC 6455 as a server reads and writes them. It knows nothing of what they carry. */

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly isLast: boolean;
  readonly opcode: number;
  readonly isMasked: boolean;
  /** Bits that no extension has claimed. */
  readonly reserved: number;
  readonly payload: Buffer;
}

/** What the beginning of the bytes holds; null where more has to come. */
export interface FrameRead {
  /** Null where only the head has come: its length is known then. */
  readonly frame: Frame | null;
  readonly claimedBytes: number;
  readonly rest: Buffer;
}

/** @returns null where not even a head has come */
export function readFrame(bytes: Buffer): FrameRead | null {
  if (bytes.length < 2) return null;
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const isMasked = (second & 0x80) !== 0;
  const headBytes = 2 + lengthBytes + (isMasked ? 4 : 0);
  if (bytes.length < headBytes) return null;
  const claimedBytes =
    lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < headBytes + claimedBytes) return { frame: null, claimedBytes, rest: bytes };
  const payload = Buffer.from(bytes.subarray(headBytes, headBytes + claimedBytes));
  if (isMasked) unmask(payload, bytes.subarray(headBytes - 4, headBytes));
  const head = { isLast: (first & 0x80) !== 0, opcode: first & 0x0f, isMasked, reserved: first & 0x70 };
  return { frame: { ...head, payload }, claimedBytes, rest: bytes.subarray(headBytes + claimedBytes) };
}

function unmask(payload: Buffer, mask: Buffer): void {
  for (let index = 0; index < payload.length; index += 1) {
    payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
  }
}

/** A whole message in one frame. */
export function writeFrame(opcode: number, payload: Uint8Array): Buffer {
  const short = payload.length < 126 ? payload.length : payload.length < 0x1_00_00 ? 126 : 127;
  const head = Buffer.alloc(short === 126 ? 4 : short === 127 ? 10 : 2);
  head[0] = 0x80 | opcode;
  head[1] = short;
  if (short === 126) head.writeUInt16BE(payload.length, 2);
  if (short === 127) head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

/** 1005, which no frame may hold, where it has no code. */
export function readCloseCode(payload: Buffer): number {
  return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
}

export function writeClose(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return writeFrame(OPCODES.close, payload);
}

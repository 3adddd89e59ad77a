/** The companded 8-bit samples of telephony (ITU-T G.711) as floats from -1 to 1. */

const A_LAW = Float32Array.from({ length: 256 }, (_, code) => expandALaw(code));
const MU_LAW = Float32Array.from({ length: 256 }, (_, code) => expandMuLaw(code));

/** @param codes One byte a sample. */
export function decodeALaw(codes: Uint8Array): Float32Array {
  return Float32Array.from(codes, (code) => A_LAW[code] ?? 0);
}

/** @param codes One byte a sample. */
export function decodeMuLaw(codes: Uint8Array): Float32Array {
  return Float32Array.from(codes, (code) => MU_LAW[code] ?? 0);
}

/** On the wire every other bit is inverted. 13 bits, scaled to 16 as is usual. */
function expandALaw(code: number): number {
  const bits = code ^ 0x55;
  const segment = (bits & 0x70) >> 4;
  const step = ((bits & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return ((bits & 0x80) === 0 ? -magnitude : magnitude) / 0x8000;
}

/** On the wire all bits are inverted. 14 bits, scaled to 16 as is usual. */
function expandMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
  return ((bits & 0x80) === 0 ? magnitude : -magnitude) / 0x8000;
}

import { expect, test } from "vitest";
import { decodeALaw, decodeMuLaw } from "./g711.ts";

const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
const inInt16 = (samples: Float32Array) => [...samples].map((sample) => sample * 0x8000);

test("mu-law has the values of G.711 at its ends and around zero", () => {
  expect(inInt16(decodeMuLaw(Uint8Array.of(0x00, 0x80, 0x7f, 0xff, 0x7e, 0xfe)))).toEqual([
    -32_124, 32_124, -0, 0, -8, 8,
  ]);
});

test("A-law has the values of G.711 at its ends and around zero", () => {
  expect(inInt16(decodeALaw(Uint8Array.of(0x2a, 0xaa, 0x55, 0xd5, 0x54, 0xd4)))).toEqual([
    -32_256, 32_256, -8, 8, -24, 24,
  ]);
});

test("all codes differ, those of the other sign mirrored, except the two zeros of mu-law", () => {
  const aLaw = inInt16(decodeALaw(codes));
  expect(new Set(aLaw).size).toBe(256);
  for (let code = 0; code < 128; code += 1) expect(aLaw[code]).toBe(-(aLaw[code + 128] ?? 0));
  const muLaw = inInt16(decodeMuLaw(codes));
  expect(new Set(muLaw).size).toBe(255);
  for (let code = 0; code < 128; code += 1) expect((muLaw[code] ?? 0) + (muLaw[code + 128] ?? 0)).toBe(0);
});

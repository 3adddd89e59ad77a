/** Forms with recordings of several kinds, whole and damaged: parts, heads, boundaries and bytes. */

import { damageText } from "./json-requests.ts";
import type { Random } from "./random.ts";
import { MODELS } from "./requests.ts";
import type { FuzzRequest } from "./requests.ts";

const MAGIC: readonly (readonly [name: string, type: string, head: Buffer])[] = [
  ["a.wav", "audio/wav", createWaveHead()],
  ["a.mp3", "audio/mpeg", Buffer.from("494433040000000000000000fffb9064", "hex")],
  ["a.ogg", "audio/ogg", Buffer.from("4f67675300020000000000000000", "hex")],
  ["a.flac", "audio/flac", Buffer.from("664c614300000022100010000000", "hex")],
  ["a.m4a", "audio/mp4", Buffer.from("000000206674797069736d6d70343200000000", "hex")],
  ["a.webm", "audio/webm", Buffer.from("1a45dfa39f4286810142f7810142f2810442f381084282847765626d", "hex")],
  ["a.aiff", "audio/aiff", Buffer.from("464f524d7fffffff41494646434f4d4d00000012", "hex")],
  ["a.bin", "application/octet-stream", Buffer.alloc(0)],
];

function createWaveHead(): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF\xff\xff\xff\x7fWAVEfmt ", 0, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(0x7fffffff, 40);
  return head;
}

const FIELDS: readonly (readonly [name: string, value: string])[] = [
  ["language", "en"],
  ["prompt", "The sea, \u{1f30a}"],
  ["response_format", "json"],
  ["response_format", "text"],
  ["temperature", "0.2"],
  ["stream", "true"],
  ["timestamp_granularities[]", "word"],
  ["timestamp_granularities[]", "segment"],
  ["model", "nobody"],
  ["file", "no file"],
  ["", ""],
  ["x".repeat(300), "long name"],
];

const HEADS = [
  'Content-Disposition: form-data; name="odd',
  "Content-Disposition: form-data; name=\"odd\"; filename*=UTF-8''%e2%82",
  "Content-Disposition: attachment; name=odd",
  "Content-Disposition: form-data",
  "content-disposition:form-data;name=odd\r\nContent-Transfer-Encoding: base64",
  'Content-Disposition: form-data; name="odd"\r\nContent-Type: text/plain; charset=klingon',
  "Content-Disposition",
  "",
  `X-Long: ${"x".repeat(20_000)}`,
];

const BOUNDARIES = ["B", "----WebKitFormBoundary7MA4YWxk", "b".repeat(70), "b".repeat(71), "a'()+_,-./:=?", "-", "\r"];

export function createFormRequest(random: Random): FuzzRequest {
  const boundary = random.chance(0.9) ? random.pick(BOUNDARIES.slice(0, 2)) : random.pick(BOUNDARIES);
  const parts = shuffle([createModelPart(), ...createFileParts(random), ...createFieldParts(random)], random);
  const pieces = parts.flatMap((part) => [Buffer.from(`--${boundary}\r\n`), part, Buffer.from("\r\n")]);
  let body: Buffer = Buffer.concat([...pieces, Buffer.from(random.chance(0.9) ? `--${boundary}--\r\n` : "")]);
  for (let count = random.pick([0, 0, 0, 1, 1, 2, 5]); count > 0; count -= 1) body = damageText(body, random);
  return {
    path: random.pick(["audio/transcriptions", "audio/translations"]),
    headers: chooseHeaders(boundary, random),
    body,
    isChunked: random.chance(0.3),
  };
}

function chooseHeaders(boundary: string, random: Random): Record<string, string> {
  const named = boundary.includes("\r") ? "B" : boundary;
  if (random.chance(0.9)) return { "content-type": `multipart/form-data; boundary="${named}"` };
  return random.pick<Record<string, string>>([
    {},
    { "content-type": "multipart/form-data" },
    { "content-type": "multipart/form-data; boundary=" },
    { "content-type": 'multipart/form-data; boundary="' },
    { "content-type": `multipart/form-data; boundary=${named.slice(1)}` },
    { "content-type": `multipart/mixed; boundary=${named}` },
    { "content-type": "application/json" },
    { "content-type": "application/x-www-form-urlencoded" },
    { "content-type": `multipart/form-data; boundary=${named}`, "content-encoding": "deflate" },
  ]);
}

function createModelPart(): Buffer {
  return Buffer.from(`Content-Disposition: form-data; name="model"\r\n\r\n${MODELS.transcription}`);
}

function createFileParts(random: Random): readonly Buffer[] {
  return Array.from({ length: random.pick([1, 1, 1, 1, 0, 2]) }, () => {
    const [name, type, magic] = random.pick(MAGIC);
    const head = `Content-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: ${type}\r\n\r\n`;
    const size = random.chance(0.02) ? random.below(300_000) : random.below(2000);
    return Buffer.concat([Buffer.from(head), magic, random.bytes(size)]);
  });
}

function createFieldParts(random: Random): readonly Buffer[] {
  const count = random.chance(0.01) ? 120 : random.below(4);
  return Array.from({ length: count }, () => {
    if (random.chance(0.1)) return Buffer.from(`${random.pick(HEADS)}\r\n\r\nodd`);
    const [name, value] = random.pick(FIELDS);
    return Buffer.from(`Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`);
  });
}

function shuffle(parts: readonly Buffer[], random: Random): readonly Buffer[] {
  return parts
    .map((part) => ({ part, rank: random.next() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ part }) => part);
}

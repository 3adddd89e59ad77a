import { expect, test } from "vitest";
import { DAMAGED_PAGES_MAX, PacketReader, readOggPages } from "./ogg-pages.ts";
import { CHAINED_STREAMS_MAX } from "./ogg-source.ts";
import { collectAudio } from "./testing/collect-audio.ts";
import { readFixture } from "./testing/read-fixture.ts";
import { repairOgg } from "./testing/repair-ogg.ts";

interface PageOptions {
  readonly flags?: number;
  readonly serial?: number;
  readonly sequence?: number;
  readonly granule?: bigint;
}

function writePage(segments: readonly Uint8Array[], options: PageOptions = {}): Uint8Array {
  const head = Buffer.alloc(27);
  head.write("OggS");
  head.writeUInt8(options.flags ?? 0, 5);
  head.writeBigInt64LE(options.granule ?? 0n, 6);
  head.writeUInt32LE(options.serial ?? 1, 14);
  head.writeUInt32LE(options.sequence ?? 0, 18);
  head.writeUInt8(segments.length, 26);
  return repairOgg(Buffer.concat([head, Buffer.from(segments.map(({ length }) => length)), ...segments]));
}

const segment = (length: number, byte = 1) => new Uint8Array(length).fill(byte);
const join = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

function packetsOf(bytes: Uint8Array): (number | undefined)[] {
  const reader = new PacketReader();
  return [...readOggPages(bytes)].flatMap((page) => reader.read(page)).map((packet) => packet?.length);
}

test("packets are joined from their segments, across pages too", () => {
  const bytes = join(
    writePage([segment(10), segment(255), segment(5), segment(255), segment(0), segment(255)], { sequence: 0 }),
    writePage([segment(255), segment(7), segment(3)], { flags: 1, sequence: 1 }),
  );
  expect(packetsOf(bytes)).toEqual([10, 260, 255, 517, 3]);
});

test("a packet of which a page is missing is reported as lost", () => {
  const [first, second, third] = [
    writePage([segment(10), segment(255)], { sequence: 0 }),
    writePage([segment(255)], { flags: 1, sequence: 1 }),
    writePage([segment(9), segment(4)], { flags: 1, sequence: 2 }),
  ];
  expect(packetsOf(join(first, second, third))).toEqual([10, 519, 4]);
  expect(packetsOf(join(first, third))).toEqual([10, undefined, 4]);
  expect(packetsOf(join(second, third))).toEqual([undefined, 4]);
});

test("a page with a wrong checksum, or one that is cut, is skipped", () => {
  const page = writePage([segment(10)]);
  const wrong = page.slice();
  wrong[30] = 99;
  expect(packetsOf(join(wrong, Buffer.from("OggS"), page, page.subarray(0, 30)))).toEqual([10]);
});

test("headers that claim long pages by the thousand are refused", async () => {
  const headers = Buffer.concat(Array.from({ length: DAMAGED_PAGES_MAX + 1 }, () => writePage([]).fill(1, 22, 26)));
  await expect(collectAudio(join(readFixture("tone.opus"), headers))).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringContaining("too many damaged pages"),
  });
  const enough = headers.subarray(27);
  expect((await collectAudio(join(readFixture("tone.opus"), enough))).durationSeconds).toBeGreaterThan(0.38);
});

test("a file of too many streams is refused", async () => {
  const one = readFixture("tone.opus").subarray(0, 47);
  const many = Array.from({ length: CHAINED_STREAMS_MAX + 1 }, () =>
    join(one, writePage([segment(3)], { sequence: 9 })),
  );
  await expect(collectAudio(join(...many))).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringContaining(`more than ${CHAINED_STREAMS_MAX} streams`),
  });
});

test("other streams beside the audio are skipped", async () => {
  const opus = readFixture("tone.opus");
  const picture = (options: PageOptions) => writePage([segment(200)], { serial: 77, ...options });
  const bytes = join(picture({ flags: 2 }), opus.subarray(0, 47), picture({ sequence: 1 }), opus.subarray(47));
  const [plain, mixed] = [await collectAudio(opus), await collectAudio(bytes)];
  expect(mixed.samples).toEqual(plain.samples);
});

const HEAD = { version: 8, channels: 9, gain: 16, family: 18, streams: 19, coupled: 20 };

/** The page with which a stream begins, its head changed. */
function withHead(name: string, change: (head: Buffer) => void): Uint8Array {
  const bytes = Buffer.from(readFixture(name));
  change(bytes.subarray(28));
  return repairOgg(bytes);
}

test.each([
  ["an unknown version", "tone.opus", HEAD.version, 16, /unknown version/],
  ["no channels", "tone.opus", HEAD.channels, 0, /0 channels/],
  ["three channels without a mapping", "tone.opus", HEAD.channels, 3, /3 channels without a mapping/],
  ["a mapping beyond its head", "tone.opus", HEAD.family, 1, /too short/],
  ["no streams", "tone-six-channels.opus", HEAD.streams, 0, /mapping of the opus stream is invalid/],
  [
    "more coupled streams than streams",
    "tone-six-channels.opus",
    HEAD.coupled,
    5,
    /mapping of the opus stream is invalid/,
  ],
  ["a channel that no stream has", "tone-six-channels.opus", 21, 6, /mapping of the opus stream is invalid/],
] as const)("an opus head with %s is refused", async (_, name, at, value, message) => {
  const bytes = withHead(name, (head) => head.writeUInt8(value, at));
  await expect(collectAudio(bytes)).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringMatching(message),
  });
});

test("the gain of an opus head is applied", async () => {
  const plain = await collectAudio(readFixture("tone.opus"));
  const quiet = await collectAudio(withHead("tone.opus", (head) => head.writeInt16LE(-6 * 256, HEAD.gain)));
  for (let index = 1000; index < 5000; index += 100) {
    expect(quiet.samples[index]).toBeCloseTo((plain.samples[index] ?? 0) * 10 ** (-6 / 20), 4);
  }
});

test("a picture of a megabyte in the comments of a vorbis stream is passed over", async () => {
  const plain = readFixture("tone-vorbis.ogg");
  const [head, ...rest] = [...readOggPages(plain)];
  if (head === undefined) throw new Error("The fixture has no pages.");
  const [, , setup] = headersOf(plain);
  if (setup === undefined) throw new Error("The fixture has no setup.");
  const comment = join(new Uint8Array(Buffer.from("\u0003vorbis", "latin1")), new Uint8Array(1_000_000));
  const serial = head.serial;
  const audio = rest.filter((page) => page.granule > 0n);
  const headers = pagesOf([comment, setup], serial);
  const last = audio.map((page, index) => resequence(page.bytes, headers.length + 1 + index));
  const pictured = await collectAudio(join(head.bytes, ...headers, ...last));
  expect(pictured.samples).toEqual((await collectAudio(plain)).samples);
});

/** The three header packets. */
function headersOf(bytes: Uint8Array): (Uint8Array | undefined)[] {
  const reader = new PacketReader();
  return [...readOggPages(bytes)].flatMap((page) => reader.read(page)).slice(0, 3);
}

/** Pages of 255 segments at most, the first with the sequence 1. */
function pagesOf(packets: readonly Uint8Array[], serial: number): Uint8Array[] {
  const segments = packets.flatMap((packet) =>
    Array.from({ length: Math.floor(packet.length / 255) + 1 }, (_, index) =>
      packet.subarray(index * 255, index * 255 + 255),
    ),
  );
  return Array.from({ length: Math.ceil(segments.length / 255) }, (_, index) => {
    const isContinued = index > 0 && segments[index * 255 - 1]?.length === 255;
    return writePage(segments.slice(index * 255, index * 255 + 255), {
      serial,
      sequence: index + 1,
      flags: isContinued ? 1 : 0,
    });
  });
}

function resequence(page: Uint8Array, sequence: number): Uint8Array {
  const changed = Buffer.from(page);
  changed.writeUInt32LE(sequence, 18);
  return repairOgg(changed);
}

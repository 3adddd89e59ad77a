import { expect, test } from "vitest";
import { recogniseFormat } from "./recognise-format.ts";
import { readFixture } from "./testing/read-fixture.ts";
import { toInt16, writeWav } from "./testing/write-wav.ts";

const ascii = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

const FILES: readonly (readonly [string, Uint8Array])[] = [
  ["wav", writeWav(toInt16([0]))],
  ["wav", writeWav(toInt16([0]), { id: "RF64" })],
  ["wav", writeWav(toInt16([0]), { id: "BW64" })],
  ["mp3", readFixture("tone.mp3")],
  ["mp3", readFixture("tone.mp2")],
  ["flac", readFixture("tone.flac")],
  ["ogg vorbis", readFixture("tone-vorbis.ogg")],
  ["ogg opus", readFixture("tone.opus")],
  ["ogg flac", readFixture("tone-flac.oga")],
  ["mp4", readFixture("tone.m4a")],
  ["webm", readFixture("tone.webm")],
  ["mpeg", Uint8Array.of(0, 0, 1, 0xba, 0x44)],
  ["aiff", ascii("FORM\u0000\u0000\u0000\u0000AIFC")],
  // Two AAC frames of 8 bytes.
  ["aac", Uint8Array.of(0xff, 0xf1, 0x50, 0x80, 0x01, 0x1f, 0xfc, 0, 0xff, 0xf1, 0x50, 0x80, 0x01, 0x1f, 0xfc, 0)],
];

test.each(FILES)("a file is recognised by its content: %s", (format, bytes) => {
  expect(recogniseFormat(bytes)).toBe(format);
});

test("what stands before an mp3's first frame is passed over", () => {
  const mp3 = readFixture("tone.mp3");
  expect(recogniseFormat(new Uint8Array(Buffer.concat([Buffer.alloc(5000, 0xff), mp3])))).toBe("mp3");
  const tag = Buffer.from("ID3\u0003\u0000\u0000\u0000\u0000\u0001\u0000", "latin1");
  expect(recogniseFormat(new Uint8Array(Buffer.concat([tag, Buffer.alloc(128), mp3])))).toBe("mp3");
  const flac = readFixture("tone.flac");
  expect(recogniseFormat(new Uint8Array(Buffer.concat([tag, Buffer.alloc(128), flac])))).toBe("flac");
});

const OTHERS: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array(0)],
  ["one byte", Uint8Array.of(0xff)],
  ["text", ascii("Dear Sir or Madam, RIFF WAVE fLaC OggS ID3 ftyp")],
  ["zeros", new Uint8Array(100_000)],
  ["ones", new Uint8Array(100_000).fill(0xff)],
  ["a picture", ascii("\u0089PNG\r\n\u001a\n\u0000\u0000\u0000\rIHDR")],
  ["a RIFF file that is none of ours", ascii("RIFF\u0004\u0000\u0000\u0000AVI ")],
  ["a tag that is longer than its file", ascii("ID3\u0004\u0000\u0000\u007f\u007f\u007f\u007f")],
  ["one mp3 header alone", Uint8Array.of(0xff, 0xfb, 0x90, 0x00, 1, 2, 3)],
];

test.each(OTHERS)("%s is no audio file", (_, bytes) => {
  expect(recogniseFormat(bytes)).toBeUndefined();
});

test("an Ogg file with another codec is known as Ogg", () => {
  const page = Buffer.concat([
    Buffer.from("OggS\u0000\u0002", "latin1"),
    Buffer.alloc(20),
    Buffer.of(1, 8),
    Buffer.from("Speex   "),
  ]);
  expect(recogniseFormat(new Uint8Array(page))).toBe("ogg");
});

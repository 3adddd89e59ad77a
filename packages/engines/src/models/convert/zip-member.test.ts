import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { buildZip, type ZipFile } from "../testing/build-zip.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directory.ts";
import { ZIP_DIRECTORY_BYTES_MAX, extractZipMember, openZip } from "./zip-member.ts";

const REQUESTED: ZipFile = { name: "package/weights.bin", bytes: Buffer.from("weights ".repeat(500)) };
const OTHER: ZipFile = { name: "../../etc/passwd", bytes: Buffer.from("no") };

test.each([true, false])("a file comes out whole, stored: %s", async (isStored) => {
  const extracted = await extract(buildZip([OTHER, { ...REQUESTED, isStored }]));
  expect(extracted.equals(REQUESTED.bytes)).toBe(true);
});

test.each([
  ["lacks the file", buildZip([OTHER]), "it holds no package/weights.bin"],
  ["is no zip", Buffer.from("not a zip archive at all"), "its end record is missing"],
  ["is empty", Buffer.alloc(0), "its end record is missing"],
  [
    "holds a file of another size",
    buildZip([{ ...REQUESTED, bytes: Buffer.from("short") }]),
    "5 bytes instead of 4000",
  ],
  [
    "unpacks to more than it says",
    buildZip([{ ...REQUESTED, bytes: Buffer.alloc(100_000), claims: { sizeBytes: 4000 } }]),
    "unpacks to more bytes than it says",
  ],
  [
    "unpacks to less than it says",
    buildZip([{ ...REQUESTED, bytes: Buffer.alloc(10), claims: { sizeBytes: 4000 } }]),
    "does not match its checksum",
  ],
  ["has a wrong checksum", buildZip([{ ...REQUESTED, claims: { checksum: 1 } }]), "does not match its checksum"],
  ["uses an unknown compression", buildZip([{ ...REQUESTED, claims: { method: 12 } }]), "compression 12 is unknown"],
  ["is encrypted", buildZip([{ ...REQUESTED, claims: { flags: 1 } }]), "encrypted"],
  ["has broken data", breakAt(buildZip([REQUESTED]), 60), "not usable"],
  ["points beyond its end", cutMiddle(buildZip([{ ...REQUESTED, isStored: true }])), "not usable"],
])("an archive that %s is refused", async (_title, archive, message) => {
  await expect(extract(archive)).rejects.toThrow(message);
});

test("an archive with too large a directory is refused before it is read", async () => {
  const archive = buildZip([REQUESTED]);
  archive.writeUInt32LE(ZIP_DIRECTORY_BYTES_MAX + 1, archive.length - 10);
  await expect(extract(archive)).rejects.toThrow("its directory is too large");
});

async function extract(archive: Buffer): Promise<Buffer> {
  await using directory = await makeTemporaryDirectory();
  const archivePath = path.join(directory.path, "package.whl");
  const targetPath = path.join(directory.path, "out");
  await writeFile(archivePath, archive);
  const sizeBytes = REQUESTED.bytes.length;
  await extractZipMember({ archivePath, memberName: REQUESTED.name, targetPath, sizeBytes, signal: undefined });
  return await readFile(targetPath);
}

function breakAt(archive: Buffer, at: number): Buffer {
  archive.fill(0xff, at, at + 6);
  return archive;
}

function cutMiddle(archive: Buffer): Buffer {
  return Buffer.concat([archive.subarray(0, 10), archive.subarray(2000)]);
}

async function readInMemory(archive: Buffer, bytesMax = 10_000): Promise<Buffer> {
  await using directory = await makeTemporaryDirectory();
  const archivePath = path.join(directory.path, "archive.zip");
  await writeFile(archivePath, archive);
  await using zip = await openZip(archivePath);
  return await zip.read(REQUESTED.name, bytesMax);
}

test.each([true, false])("a file is read into memory whole, stored: %s", async (isStored) => {
  expect((await readInMemory(buildZip([OTHER, { ...REQUESTED, isStored }]))).equals(REQUESTED.bytes)).toBe(true);
});

test.each([
  ["is no zip", Buffer.from("not a zip archive at all"), "its end record is missing"],
  ["lacks the file", buildZip([OTHER]), "it holds no package/weights.bin"],
  ["has a larger file than allowed", buildZip([{ ...REQUESTED, bytes: Buffer.alloc(10_001) }]), "has 10001 bytes"],
  [
    "unpacks to more than it says",
    buildZip([{ ...REQUESTED, bytes: Buffer.alloc(100_000), claims: { sizeBytes: 4000 } }]),
    "its compressed data is broken",
  ],
  ["has a wrong checksum", buildZip([{ ...REQUESTED, claims: { checksum: 1 } }]), "does not match its checksum"],
])("an archive that %s is refused when it is read into memory", async (_case, archive, reason) => {
  await expect(readInMemory(archive)).rejects.toThrow(reason);
});

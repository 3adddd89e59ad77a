import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { buildTar } from "../testing/build-tar.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directory.ts";
import { extractTarMembers, type ExtractTarMembersOptions } from "./tar-members.ts";

const WANTED = Buffer.alloc(700, 7);

async function extract(archive: Buffer, options: Partial<ExtractTarMembersOptions> = {}): Promise<Buffer> {
  await using directory = await makeTemporaryDirectory();
  const [archivePath, targetPath] = [path.join(directory.path, "archive"), path.join(directory.path, "target")];
  await writeFile(archivePath, archive);
  const members = [{ name: "wanted", sizeBytes: WANTED.length }];
  await extractTarMembers({ archivePath, members, targetPath, signal: undefined, ...options });
  return await readFile(targetPath);
}

test("a member is found behind others, and an empty file between them is skipped", async () => {
  const files = [
    { name: "before", bytes: Buffer.alloc(513, 1) },
    { name: "empty", bytes: Buffer.alloc(0) },
    { name: "wanted", bytes: WANTED },
  ];
  expect((await extract(gzipSync(buildTar(files)))).equals(WANTED)).toBe(true);
});

test("an archive that unpacks to more than allowed is refused", async () => {
  const archive = gzipSync(buildTar([{ name: "bomb", bytes: Buffer.alloc(100_000) }]));
  await expect(extract(archive, { unpackedBytesMax: 50_000 })).rejects.toThrow("it unpacks to too many bytes");
});

test.each([
  ["cut off", gzipSync(buildTar([{ name: "wanted", bytes: WANTED }]).subarray(0, 800))],
  ["not compressed", buildTar([{ name: "wanted", bytes: WANTED }])],
  ["compressed badly", gzipSync(buildTar([{ name: "wanted", bytes: WANTED }])).fill(0xff, 20, 40)],
])("an archive that is %s is refused", async (_case, archive) => {
  await expect(extract(archive)).rejects.toThrow("the package's archive is not usable");
});

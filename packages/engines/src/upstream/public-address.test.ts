import { expect, test } from "vitest";
import { PrivateAddressError, isPublicAddress, lookUpPublicHost, requirePublicHost } from "./public-address.ts";

test.each([
  ["127.0.0.1", false],
  ["10.1.2.3", false],
  ["172.31.255.255", false],
  ["172.32.0.1", true],
  ["192.168.1.1", false],
  ["169.254.169.254", false],
  ["100.64.0.1", false],
  ["0.0.0.0", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["8.8.8.8", true],
  ["::1", false],
  ["::", false],
  ["fe80::1", false],
  ["fd00::1", false],
  ["::ffff:8.8.8.8", false],
  ["::ffff:127.0.0.1", false],
  ["64:ff9b::7f00:1", false],
  ["2002:7f00:1::", false],
  ["2001:db8::1", false],
  ["2606:4700::1111", true],
  ["localhost", false],
  ["", false],
])("the address %j is public: %s", (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});

test.each(["http://127.1", "http://0x7f000001", "http://2130706433", "http://[::ffff:10.0.0.1]", "http://[::1]:80"])(
  "the host of %s is refused, however it is written",
  async (url) => {
    await expect(requirePublicHost(new URL(url).hostname)).rejects.toThrow(PrivateAddressError);
  },
);

test("a name is public when all of its addresses are", async () => {
  const [open, closed] = [
    { address: "8.8.8.8", family: 4 },
    { address: "10.0.0.1", family: 4 },
  ];
  expect(await requirePublicHost("a.test", async () => [open])).toEqual([open]);
  await expect(requirePublicHost("a.test", async () => [open, closed])).rejects.toThrow(PrivateAddressError);
  await expect(requirePublicHost("a.test", async () => [])).rejects.toThrow(PrivateAddressError);
});

test("the lookup of a connection fails for a name of this machine", async () => {
  const look = (all: boolean) =>
    new Promise((resolve) => {
      lookUpPublicHost("localhost", { all }, (error) => resolve(error));
    });
  expect(await look(true)).toBeInstanceOf(PrivateAddressError);
  expect(await look(false)).toBeInstanceOf(PrivateAddressError);
});

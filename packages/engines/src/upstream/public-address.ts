/**
 * Addresses that anybody on the internet may reach, as against those of this machine and its networks: a caller that may
 * name an upstream must not make the server call these. Names are looked up again for each connection, so that a name
 * can't mean a public address when it is checked and a private one when it is used.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */

import { lookup } from "node:dns";
import type { LookupAddress } from "node:dns";
import { BlockList, isIP, isIPv6 } from "node:net";
import type { LookupFunction } from "node:net";

const SPECIAL_IPV4 = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const;

/** The only part of IPv6 that is assigned for the public, and what of it is special: tunnels and documentation. */
const PUBLIC_IPV6 = ["2000::", 3] as const;
const SPECIAL_IPV6 = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const special = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of SPECIAL_IPV6) special.addSubnet(network, prefix, "ipv6");
const publicIpv6 = new BlockList();
publicIpv6.addSubnet(...PUBLIC_IPV6, "ipv6");

/** @param address an IP address; anything else is not public */
export function isPublicAddress(address: string): boolean {
  if (isIPv6(address)) return publicIpv6.check(address, "ipv6") && !special.check(address, "ipv6");
  return isIP(address) === 4 && !special.check(address, "ipv4");
}

export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";
  constructor() {
    super("The host has a private address.");
  }
}

type LookUp = (hostname: string) => Promise<readonly LookupAddress[]>;

function lookUpAll(hostname: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });
}

/**
 * @param hostname as a URL has it: a name, or an IP address
 * @param lookUp default: the system's
 * @returns its addresses, all of them public
 * @throws PrivateAddressError where one of them is not; what the system says of a name that it does not know
 */
export async function requirePublicHost(
  hostname: string,
  lookUp: LookUp = lookUpAll,
): Promise<readonly LookupAddress[]> {
  const plain = hostname.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(plain);
  const addresses = family === 0 ? await lookUp(plain) : [{ address: plain, family }];
  if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address))) {
    throw new PrivateAddressError();
  }
  return addresses;
}

/** For connections: `lookup` of `net.connect`, that fails for private addresses. An IP address is not looked up by it. */
export const lookUpPublicHost: LookupFunction = (hostname, options, callback) => {
  void answerLookUp(hostname, options.all === true, callback);
};

async function answerLookUp(
  hostname: string,
  wantsAll: boolean,
  callback: Parameters<LookupFunction>[2],
): Promise<void> {
  const found = await requirePublicHost(hostname).catch((thrown: unknown) => toError(thrown));
  if (found instanceof Error) callback(found, []);
  else if (wantsAll) callback(null, [...found]);
  else callback(null, found[0]?.address ?? "", found[0]?.family ?? 4);
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/**
 * Hosts that only this machine or its own network can reach: what must not be called just because somebody who may create a
 * delivery stream has named it (`processing.allowedUrls`).
 */
import { BlockList, isIP } from 'node:net'

/** iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry: what is not globally reachable. */
const INNER_V4: readonly (readonly [net: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** The last ones hold an IPv4 address: NAT64, 6to4, Teredo. */
const INNER_V6: readonly (readonly [net: string, bits: number])[] = [
  ['::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['2001::', 32],
]

const inner = new BlockList()
for (const [net, bits] of INNER_V4) {
  inner.addSubnet(net, bits, 'ipv4')
  inner.addSubnet(`::ffff:${net}`, 96 + bits, 'ipv6')
}
for (const [net, bits] of INNER_V6) inner.addSubnet(net, bits, 'ipv6')

/** @param address of a resolved name, without brackets */
export function isInnerAddress(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && inner.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** What the host of a URL tells by itself. A name may resolve to such an address all the same. */
export function isInnerHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  return isInnerAddress(host) || host === 'localhost' || host.endsWith('.localhost')
}

/** Whether a URL lies below one of these: the same host and port, and its path within theirs. */
export function isUrlWithin(url: string, prefixes: readonly string[]): boolean {
  const { origin, pathname } = new URL(url)
  return prefixes.some((prefix) => {
    const allowed = new URL(prefix)
    const folder = allowed.pathname.replace(/\/$/, '')
    return allowed.origin === origin && (pathname === allowed.pathname || pathname.startsWith(`${folder}/`))
  })
}

/**
 * Addresses that a transform by HTTP must not reach unless it is allowed to: this machine, its network, the metadata services
 * of clouds. Checked is the address that is connected to, when it is connected to, so that a name that resolves otherwise a
 * moment later (DNS rebinding) is no way around.
 */
import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'

/** docs: iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry; what is not globally reachable. */
const refusedV4: readonly (readonly [string, number])[] = [
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
const refusedV6: readonly (readonly [string, number])[] = [
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

const refused = new BlockList()
for (const [network, bits] of refusedV4) {
  refused.addSubnet(network, bits, 'ipv4')
  refused.addSubnet(`::ffff:${network}`, 96 + bits, 'ipv6')
}
for (const [network, bits] of refusedV6) refused.addSubnet(network, bits, 'ipv6')

/** True of loopback, link-local, private and otherwise not public addresses. */
export function isRefusedAddress(address: string): boolean {
  return refused.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

export class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError'
  constructor(host: string) {
    super(`${host} is on a loopback, link-local or private address`)
  }
}

/** Every address of a name. */
export type Resolve = (
  host: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** Throws for a host that is itself such an address: it is not looked up. */
export function checkLiteral(hostname: string): void {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0 && isRefusedAddress(host)) throw new RefusedAddressError(host)
}

/** Looks names up for a connection; fails when any of the addresses is refused. */
export function guardedLookup(resolve: Resolve = systemLookup): LookupFunction {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error !== null) done(error, '')
      else if (first === undefined || addresses.some(({ address }) => isRefusedAddress(address)))
        done(new RefusedAddressError(host), '')
      else if (options.all === true) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }
}

/** A URL that one of these begins: the same host and port, and a path at or below the allowed one. */
export function isAllowedUrl(url: URL, allowedUrls: readonly string[]): boolean {
  return allowedUrls.some((text) => {
    const allowed = new URL(text)
    if (url.protocol !== allowed.protocol || url.host !== allowed.host) return false
    const above = allowed.pathname.replace(/\/$/, '')
    return url.pathname === above || url.pathname.startsWith(`${above}/`)
  })
}

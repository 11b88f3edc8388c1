/**
 * Names looked up for a connection that must not lead to an inner address. Checked is the address that is connected to, when it
 * is connected to, so that a name that resolves otherwise a moment later (DNS rebinding) is no way around.
 */
import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isInnerAddress } from '../../domain/inner-address.ts'

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

/** Fails when any of the addresses is inner. An address in the place of a name is not looked up: check it before. */
export function guardedLookup(resolve: Resolve = systemLookup): LookupFunction {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error !== null) done(error, '')
      else if (first === undefined || addresses.some(({ address }) => isInnerAddress(address)))
        done(new RefusedAddressError(host), '')
      else if (options.all === true) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }
}

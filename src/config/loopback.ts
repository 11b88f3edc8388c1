/** Whether a host can be reached from this machine only. */
import { isIPv4 } from 'node:net'

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1' || host === '[::1]') return true
  return isIPv4(host) && host.startsWith('127.')
}

// Installs what the tests need beside npm's packages, where that is allowed: as root, or by sudo without a password.
import { spawnSync } from 'node:child_process'
import process from 'node:process'

/** Standard output of a command, or undefined when it is missing or fails. */
export function output(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? stdout : undefined
}

/** How to run a command as root without being asked for a password; undefined when there is no way. */
function asRoot() {
  if (process.getuid?.() === 0) return []
  return output('sudo', '-n', 'true') === undefined ? undefined : ['sudo', '-n']
}

/** Does nothing where it may not; whoever asked looks whether it is there now. */
export function installDebianPackage(name) {
  const prefix = asRoot()
  if (prefix === undefined || output('apt-get', '--version') === undefined) return
  process.stderr.write(`${name} is missing; installing it with apt-get\n`)
  const steps = [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', name],
  ]
  for (const step of steps) {
    const [command, ...args] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...step]
    const { status } = spawnSync(command, args, { stdio: ['ignore', process.stderr, process.stderr] })
    if (status !== 0) process.stderr.write(`apt-get ${step[0]} failed\n`)
  }
}

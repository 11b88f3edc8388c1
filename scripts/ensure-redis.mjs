// Before the tests: redis-server is there, or is installed where that is allowed, or the message says what to install.
import { spawnSync } from 'node:child_process'
import process from 'node:process'

const OLDEST = 7

/** Standard output of a command, or undefined when it is missing or fails. */
function output(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return status === 0 ? stdout : undefined
}

function redisVersion() {
  const found = /\bv=(\d+)\.[\d.]+/.exec(output('redis-server', '--version') ?? '')
  return found === null ? undefined : Number(found[1])
}

/** How to run a command as root without being asked for a password; undefined when there is no way. */
function asRoot() {
  if (process.getuid?.() === 0) return []
  return output('sudo', '-n', 'true') === undefined ? undefined : ['sudo', '-n']
}

function install() {
  const prefix = asRoot()
  if (prefix === undefined || output('apt-get', '--version') === undefined) return
  process.stderr.write('redis-server is missing; installing it with apt-get\n')
  const steps = [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', 'redis-server'],
  ]
  for (const step of steps) {
    const [command, ...args] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...step]
    const { status } = spawnSync(command, args, { stdio: ['ignore', process.stderr, process.stderr] })
    if (status !== 0) process.stderr.write(`apt-get ${step[0]} failed\n`)
  }
}

if (redisVersion() === undefined) install()

const version = redisVersion()
if (version === undefined || version < OLDEST) {
  const what = version === undefined ? 'is not installed' : `is version ${version}`
  process.stderr.write(`The tests start Redis servers of their own, but redis-server ${what}.
Install Redis ${OLDEST} or newer, so that "redis-server --version" works, and run the tests again:
  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y redis-server
  Fedora, RHEL:    sudo dnf install -y redis        (or valkey, with redis-server in the PATH)
  Alpine:          apk add redis
  macOS:           brew install redis
No server has to be running.
`)
  process.exit(1)
}

// Before the tests: redis-server is there, or is installed where that is allowed, or the message says what to install.
import process from 'node:process'
import { installDebianPackage, output } from './debian-packages.mjs'

const OLDEST = 7

function redisVersion() {
  const found = /\bv=(\d+)\.[\d.]+/.exec(output('redis-server', '--version') ?? '')
  return found === null ? undefined : Number(found[1])
}

if (redisVersion() === undefined) installDebianPackage('redis-server')

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

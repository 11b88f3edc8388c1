/** The Lua scripts of ./lua, each with its text and the SHA-1 that Redis knows it by. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface Script {
  readonly name: string
  readonly lua: string
  readonly sha: string
}

export const scripts = {
  append: load('append'),
  appendFromShard: load('append-from-shard'),
  sealDue: load('seal-due'),
  beginAttempt: load('begin-attempt'),
  endAttempt: load('end-attempt'),
  pin: load('pin'),
  deriveBegin: load('derive-begin'),
  derive: load('derive'),
  deriveAbandon: load('derive-abandon'),
  discard: load('discard'),
  quarantine: load('quarantine'),
  releaseBatch: load('release-batch'),
  totals: load('totals'),
  create: load('create'),
  replace: load('replace'),
  drop: load('drop'),
  remove: load('remove'),
  acquire: load('acquire'),
  release: load('release'),
  shardsAttend: load('shards-attend'),
  shardsRegister: load('shards-register'),
  shardsList: load('shards-list'),
  shardsAcquire: load('shards-acquire'),
  shardsRenew: load('shards-renew'),
  shardsRelease: load('shards-release'),
  shardsEnd: load('shards-end'),
  shardsForget: load('shards-forget'),
  now: load('now'),
} as const

function load(name: string): Script {
  const lua = text(`${name}.lua`).replace(/^-- include: (\w+)$/gm, (_, part: string) =>
    text(`include/${part}.lua`),
  )
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') }
}

function text(path: string): string {
  return readFileSync(new URL(`./lua/${path}`, import.meta.url), 'utf8')
}

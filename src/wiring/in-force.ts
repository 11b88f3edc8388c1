/**
 * What a configuration that is read again changes in a process that runs. Delivery streams, their extensions and limits,
 * the catalog and the callers' credentials act at once. Everything else is how the process was built, and stays as it was until a
 * restart.
 */
import type { Config } from '../config/schema.ts'

export interface Reread {
  /** The running configuration with all that can be changed in it. */
  readonly config: Config
  /** Names of the settings that are changed, in the order of the schema. */
  readonly changed: readonly string[]
  /** Names of those that differ in the file and wait for a restart. */
  readonly waiting: readonly string[]
}

/** @param running what is in force, @param file what the file says now */
export function reread(running: Config, file: Config): Reread {
  const { deliveryStreams, extensions, catalog, limits } = file
  const auth = authInForce(running.auth, file.auth)
  const config = Object.freeze({
    ...running,
    deliveryStreams,
    extensions,
    catalog,
    limits,
    ...(auth === undefined ? {} : { auth }),
  })
  return { config, changed: differences(running, config), waiting: differences(config, file) }
}

/** The callers. Whether any are asked for credentials decides on which addresses a process may listen, and so stays. */
function authInForce(running: Config['auth'], file: Config['auth']): Config['auth'] {
  if (running?.mode !== 'sigv4' || file?.mode !== 'sigv4') return running
  return Object.freeze({ ...file, allowUnsignedPayload: running.allowUnsignedPayload })
}

/** Where two configurations differ: `server.port`, `deliveryStreams.orders`. Names only, since values may be secret. */
function differences(a: Config, b: Config): string[] {
  return differing(byName(a), byName(b)).map((path) => path.join('.'))
}

/** Delivery streams under their names, each as one value. */
function byName(config: Config): Readonly<Record<string, unknown>> {
  const streams = config.deliveryStreams.map(({ DeliveryStreamName: name, ...declaration }) => [
    typeof name === 'string' ? name : '',
    [declaration],
  ])
  return { ...config, deliveryStreams: Object.fromEntries(streams) as unknown }
}

function differing(a: unknown, b: unknown): string[][] {
  if (!isMap(a) || !isMap(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [[]]
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].flatMap((name) =>
    differing(member(a, name), member(b, name)).map((path) => [name, ...path]),
  )
}

function member(map: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

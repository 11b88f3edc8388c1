/**
 * Named places where a process may be made to die, so that tests can visit every one of them. In production the hook does
 * nothing.
 */
export const crashPoints = [
  'after-seal',
  'after-dispatch',
  'after-begin',
  'after-pin',
  'after-backup-encode',
  'after-backup-put',
  'after-transform',
  'after-derive',
  'after-partition',
  'after-process',
  'after-encode',
  'after-put',
  'after-error-file',
  'after-error-put',
  'before-discard',
  'after-discard',
  'after-shard-acquire',
  'after-shard-iterator',
  'after-shard-read',
  'after-shard-append',
  'before-shard-end',
  'after-shard-end',
] as const

export type CrashPoint = (typeof crashPoints)[number]
export type CrashHook = (point: CrashPoint) => void

export const neverCrash: CrashHook = () => undefined

/** @param wanted a point, or `point#n` for the n-th time that it is passed @throws when there is no such point */
export function crashAt(wanted: string, crash: () => void): CrashHook {
  const [name, count = '1'] = wanted.split('#')
  const point = crashPoints.find((known) => known === name)
  const times = Number(count)
  if (point === undefined || !Number.isInteger(times) || times < 1) {
    throw new Error(
      `crash at ${wanted}: no such point; there are ${crashPoints.join(', ')}, each with #n for the n-th time`,
    )
  }
  let passed = 0
  return (at) => {
    if (at !== point) return
    passed += 1
    if (passed === times) crash()
  }
}

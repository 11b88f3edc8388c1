/** Watches processes from outside: CPU seconds and peak anonymous memory, from /proc. */
import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100
const MIB = 1024 * 1024

export interface Usage {
  readonly cpuSeconds: number
  readonly peakAnonMiB: number
  /** Peak of the last quarter of the samples beside that of the second: flat when they are alike. */
  readonly lateAnonMiB: number
  readonly earlyAnonMiB: number
}

export class Meter {
  readonly #pid: number
  readonly #startCpu: number
  readonly #samples: number[] = []
  readonly #timer: NodeJS.Timeout

  constructor(pid: number) {
    this.#pid = pid
    this.#startCpu = cpuSeconds(pid)
    this.#timer = setInterval(() => this.#samples.push(anonBytes(pid)), 100)
  }

  read(): Usage {
    clearInterval(this.#timer)
    const quarter = Math.floor(this.#samples.length / 4)
    const peak = (from: number, to?: number): number =>
      Math.round(Math.max(0, ...this.#samples.slice(from, to)) / MIB)
    return {
      cpuSeconds: cpuSeconds(this.#pid) - this.#startCpu,
      peakAnonMiB: peak(0),
      earlyAnonMiB: peak(quarter, 2 * quarter),
      lateAnonMiB: peak(3 * quarter),
    }
  }
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function anonBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return 0
    throw error
  }
}

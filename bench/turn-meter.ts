/** CPU time of this process, and the share of it that passes in the turns of sessions in DuckDB. */
import { Session } from '../src/convert/duckdb/engine.ts'

type InTurn = (this: Session, work: () => Promise<unknown>) => Promise<unknown>

export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** All that begins once lines are staged: what DuckDB does, and what is done with its answers. */
export class TurnMeter {
  seconds = 0
  readonly #inTurn = Reflect.get(Session.prototype, 'inTurn') as InTurn

  start(): void {
    const inTurn = this.#inTurn
    const add = (seconds: number): void => void (this.seconds += seconds)
    const metered: InTurn = function (this: Session, work) {
      return inTurn.call(this, async () => {
        const before = cpuSeconds()
        try {
          return await work()
        } finally {
          add(cpuSeconds() - before)
        }
      })
    }
    Reflect.set(Session.prototype, 'inTurn', metered)
  }

  stop(): void {
    Reflect.set(Session.prototype, 'inTurn', this.#inTurn)
  }
}

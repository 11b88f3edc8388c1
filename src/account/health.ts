/**
 * Health of the process: starting, then ready, then stopping. Ready is more than a state: each check (is the store there?)
 * has to pass as well. Destinations are no part of it: a dead bucket is retried while records are still taken.
 */
export type HealthState = 'starting' | 'ready' | 'stopping'

export interface Readiness {
  readonly ready: boolean
  readonly state: HealthState
  /** Why it is not ready, in sentences. */
  readonly reasons: readonly string[]
}

type Check = () => Promise<void>

export class Health {
  #state: HealthState = 'starting'
  readonly #checks = new Map<string, Check>()
  readonly #reported = new Map<string, string>()
  #asking: Promise<readonly string[]> | undefined

  get state(): HealthState {
    return this.#state
  }

  /** Everything that was asked for runs. Does nothing once the process is stopping. */
  started(): void {
    if (this.#state === 'starting') this.#state = 'ready'
  }

  stopping(): void {
    this.#state = 'stopping'
  }

  /** `check` rejects with a sentence while the process cannot serve; it brings its own time-out. */
  addCheck(name: string, check: Check): void {
    this.#checks.set(name, check)
  }

  /** A stage says what keeps it from working, or that nothing does (`undefined`). */
  report(stage: string, reason: string | undefined): void {
    if (reason === undefined) this.#reported.delete(stage)
    else this.#reported.set(stage, reason)
  }

  async readiness(): Promise<Readiness> {
    const reasons = [...this.#reported].map(([stage, reason]) => `${stage}: ${reason}`)
    if (this.#state !== 'ready') reasons.unshift(`the process is ${this.#state}`)
    if (this.#state !== 'stopping') reasons.push(...(await this.#failedChecks()))
    return { ready: reasons.length === 0, state: this.#state, reasons }
  }

  /** Those who ask at the same time share one round of checks. */
  #failedChecks(): Promise<readonly string[]> {
    this.#asking ??= this.#runChecks().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #runChecks(): Promise<readonly string[]> {
    const answers = await Promise.allSettled([...this.#checks.values()].map((check) => check()))
    return [...this.#checks.keys()].flatMap((name, index) => {
      const answer = answers[index]
      return answer?.status === 'rejected' ? [`${name}: ${sentence(answer.reason)}`] : []
    })
  }
}

function sentence(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}

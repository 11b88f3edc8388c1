/** Endpoints that ask the store: they wait for it to be open, and say so when it does not answer. */
import type { Response } from 'express'
import type { Log } from '../account/log.ts'
import { BufferUnavailableError } from '../domain/errors.ts'
import type { Dispatch, Store } from '../domain/ports.ts'

export interface OperatorPorts {
  readonly store: {
    readonly buffer: Pick<Store['buffer'], 'quarantined' | 'release'>
    readonly registry: Pick<Store['registry'], 'get' | 'list'>
    readonly journal: Pick<Store['journal'], 'find'>
    readonly shards: Pick<Store['shards'], 'list'>
  }
  readonly dispatch: Dispatch
}

/** Answers nothing until the store is open. */
export type PortsNow = () => OperatorPorts | undefined

export function storeRoute(
  portsNow: PortsNow,
  log: Log,
): (answer: (ports: OperatorPorts) => Promise<void>) => (response: Response) => Promise<void> {
  return (answer) => async (response) => {
    const ports = portsNow()
    if (ports === undefined)
      return refuse(response, 503, 'the process is starting; ask again once /readyz says ready')
    try {
      await answer(ports)
    } catch (err) {
      if (!(err instanceof BufferUnavailableError)) throw err
      log.warn({ err }, 'an operator could not be answered')
      refuse(response, 503, `the store does not answer (${err.message}); ask again, which is harmless`)
    }
  }
}

export function refuse(response: Response, status: number, error: string): void {
  response.status(status).json({ error })
}

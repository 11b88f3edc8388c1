/**
 * A proxy before a Kinesis that fails as the service and the network do: by name or status, with cut connections before or
 * after the call was carried out, late, or never. A fault hits the next calls of an operation, or each with a probability,
 * drawn from a seed so that a run can be repeated.
 */
import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { seeded } from '../../bench/orders.ts'

export interface KinesisFault {
  /** `before`: Kinesis never hears of the call. `after`: it was carried out, and only the answer goes wrong. */
  readonly at: 'before' | 'after'
  readonly does:
    | { readonly kind: 'answer'; readonly status: number; readonly type?: string; readonly text?: string }
    /** Another server answers. */
    | { readonly kind: 'body'; readonly status: number; readonly body: string }
    /** The connection is cut. */
    | { readonly kind: 'cut' }
    /** No answer ever comes, and the connection stays. */
    | { readonly kind: 'hang' }
    /** The answer begins, and never ends. */
    | { readonly kind: 'stall' }
    /** The answer comes `ms` later, and is right. */
    | { readonly kind: 'delay'; readonly ms: number }
  /** Such as `GetRecords`. Default: any. */
  readonly operation?: string
  /** How many calls it hits. Default: 1, or every one that `probability` picks. */
  readonly times?: number
  /** Of hitting a call, 0 to 1. Default: 1. */
  readonly probability?: number
}

const refused = (type: string, text?: string) =>
  ({
    at: 'before',
    does: { kind: 'answer', status: 400, type, ...(text === undefined ? {} : { text }) },
  }) as const

export const kinesisFaults = {
  throttled: refused('ProvisionedThroughputExceededException', 'Rate exceeded for shard'),
  limited: refused('LimitExceededException', 'Rate exceeded for stream'),
  expired: refused('ExpiredIteratorException', 'Iterator expired'),
  expiredToken: refused('ExpiredNextTokenException', 'NextToken expired'),
  gone: refused('ResourceNotFoundException', 'Shard not found'),
  denied: refused('AccessDeniedException', 'User is not authorized'),
  kmsDenied: refused('KMSAccessDeniedException', 'The ciphertext refers to a key that you may not use'),
  failure: { at: 'before', does: { kind: 'answer', status: 500, type: 'InternalFailure' } },
  unavailable: { at: 'before', does: { kind: 'answer', status: 503 } },
  failureAfter: { at: 'after', does: { kind: 'answer', status: 500, type: 'InternalFailure' } },
  cutBefore: { at: 'before', does: { kind: 'cut' } },
  cutAfter: { at: 'after', does: { kind: 'cut' } },
  hang: { at: 'before', does: { kind: 'hang' } },
} as const satisfies Record<string, KinesisFault>

/** A call that came through, with the fault that hit it. */
interface SeenCall {
  readonly operation: string
  /** For which it was signed. */
  readonly region: string | undefined
  /** Of the session whose keys signed it. */
  readonly sessionToken?: string
  readonly fault?: KinesisFault
}

export interface KinesisProxy {
  readonly endpoint: string
  /** Every call, oldest first. */
  readonly calls: readonly SeenCall[]
  /** Several faults may wait; the first that fits a call hits it. */
  fail(fault: KinesisFault): void
  /** Swallows every call from now on, and what is under way, until `pass`. */
  blackHole(): void
  /** Ends every fault and the black hole; connections that lost something are cut. */
  pass(): void
  close(): Promise<void>
}

/** @param target an endpoint, such as `http://127.0.0.1:4568` */
export async function startKinesisProxy(target: string, seed = 1): Promise<KinesisProxy> {
  const proxy = new FaultyProxy(target, seed)
  await proxy.listen()
  return proxy
}

class FaultyProxy implements KinesisProxy {
  readonly calls: SeenCall[] = []
  readonly #target: string
  readonly #random: () => number
  readonly #server: Server
  readonly #hanging = new Set<ServerResponse>()
  #faults: { readonly fault: KinesisFault; left: number }[] = []
  #isBlackHole = false

  constructor(target: string, seed: number) {
    this.#target = target
    this.#random = seeded(seed)
    this.#server = createServer({ requestTimeout: 0 }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  fail(fault: KinesisFault): void {
    this.#faults.push({ fault, left: fault.times ?? (fault.probability === undefined ? 1 : Infinity) })
  }

  blackHole(): void {
    this.#isBlackHole = true
  }

  pass(): void {
    this.#isBlackHole = false
    this.#faults = []
    for (const response of this.#hanging) response.destroy()
    this.#hanging.clear()
  }

  async close(): Promise<void> {
    this.pass()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request)
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '')
    const fault = this.#take(operation)
    const region = /Credential=[^/]*\/\d+\/([^/]+)/.exec(request.headers.authorization ?? '')?.[1]
    const token = request.headers['x-amz-security-token']
    const session = typeof token === 'string' ? { sessionToken: token } : {}
    this.calls.push({ operation, region, ...session, ...(fault === undefined ? {} : { fault }) })
    if (this.#isBlackHole) return this.#hang(response)
    if (fault?.at === 'before' && fault.does.kind !== 'delay') return this.#misbehave(fault, response)
    if (fault?.does.kind === 'delay') await wait(fault.does.ms)
    const answer = await this.#forward(request, body)
    if (this.#isBlackHole) return this.#hang(response)
    if (fault?.at === 'after' && fault.does.kind !== 'delay') return this.#misbehave(fault, response)
    response.writeHead(answer.status, answer.headers).end(answer.body)
  }

  #take(operation: string): KinesisFault | undefined {
    const next = this.#faults.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.operation === undefined || fault.operation === operation) &&
        (fault.probability === undefined || this.#random() < fault.probability),
    )
    if (next === undefined) return undefined
    next.left -= 1
    return next.fault
  }

  #misbehave({ does }: KinesisFault, response: ServerResponse): void {
    if (does.kind === 'cut') response.destroy()
    else if (does.kind === 'hang') this.#hang(response)
    else if (does.kind === 'body') response.writeHead(does.status).end(does.body)
    else if (does.kind === 'stall') {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).write('{"Records":[')
      this.#hang(response)
    } else if (does.kind === 'answer') {
      const body = does.type === undefined ? '' : JSON.stringify({ __type: does.type, message: does.text })
      response.writeHead(does.status, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
    }
  }

  #hang(response: ServerResponse): void {
    this.#hanging.add(response)
    response.once('close', () => this.#hanging.delete(response))
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<ForwardedAnswer> {
    return new Promise((resolve, reject) => {
      const { method, headers } = request
      // A connection for each call: one that Kinesis has closed meanwhile would be a fault that nobody asked for.
      const options = { method, headers, agent: false }
      const forwarded = httpRequest(new URL(request.url ?? '/', this.#target), options, (answer) => {
        readAll(answer).then(
          (bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: bytes }),
          reject,
        )
      })
      forwarded.once('error', reject)
      forwarded.end(body)
    })
  }
}

interface ForwardedAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

async function readAll(source: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of source) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** Asks a running process, by its admin port, for the shards that it knows. */
import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ShardsAnswer } from './admin/shards.ts'

const ANSWER_MS = 10_000

/** Nothing useful was answered: what happened, and what the operator can do next. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
  readonly hint: string
  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause })
    this.hint = hint
  }
}

export interface Asked {
  /** JSON, as it came. */
  readonly text: string
  readonly answer: ShardsAnswer
}

/** @throws NoAnswerError */
export async function askForShards(admin: { readonly host: string; readonly port: number }): Promise<Asked> {
  if (admin.port === 0) {
    throw new NoAnswerError(
      'ask for shards: admin.port is 0, so the process chose its port when it started',
      'give the admin port that it printed with --admin-port',
    )
  }
  const url = `http://${reachable(admin.host)}:${admin.port}/shards`
  const { status, body } = await answerOf(url)
  const answer = parsed(body)
  if (status === 200 && isShards(answer)) return { text: body, answer }
  const said = errorIn(answer)
  if (said === undefined) {
    throw new NoAnswerError(
      `ask ${url}: what answers there is not Hydrant`,
      'see admin.host and admin.port in the configuration, or give the right port with --admin-port',
    )
  }
  const hint =
    status === 503
      ? 'ask again in a moment; GET /readyz on the same port says what is missing'
      : 'see that the process there is of this version of Hydrant; its log may say more'
  throw new NoAnswerError(`ask ${url}: ${said}`, hint)
}

/** A process that listens everywhere is reached by loopback. */
function reachable(host: string): string {
  const bare = host.replaceAll(/^\[|\]$/g, '')
  if (bare === '0.0.0.0') return '127.0.0.1'
  if (bare === '::') return '[::1]'
  return bare.includes(':') ? `[${bare}]` : bare
}

async function answerOf(url: string): Promise<{ readonly status: number; readonly body: string }> {
  const signal = AbortSignal.timeout(ANSWER_MS)
  try {
    return await new Promise((resolve, reject) => {
      const request = get(url, { signal, agent: false }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
      })
      request.on('error', reject)
    })
  } catch (error) {
    const happened = signal.aborted ? `no answer within ${ANSWER_MS / 1000} s` : reasonOf(error)
    throw new NoAnswerError(
      `ask ${url}: ${happened}`,
      'see that hydrant serve runs there with this configuration, or give its admin port with --admin-port',
      error,
    )
  }
}

function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (code === 'ECONNREFUSED') return 'nothing listens there'
  if (typeof code === 'string' && code.startsWith('HPE_')) return 'what answers there does not speak HTTP'
  return error instanceof Error ? error.message : String(error)
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function isShards(answer: unknown): answer is ShardsAnswer {
  const streams = memberOf(answer, 'deliveryStreams')
  return Array.isArray(streams) && streams.every((stream) => Array.isArray(memberOf(stream, 'shards')))
}

function errorIn(answer: unknown): string | undefined {
  const error = memberOf(answer, 'error')
  return typeof error === 'string' ? error : undefined
}

function memberOf(value: unknown, member: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, member) : undefined
}

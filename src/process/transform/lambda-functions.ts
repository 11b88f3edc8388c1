/**
 * Functions of AWS Lambda, invoked synchronously (docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), by the ARN as it was
 * given: with its version or alias, or the latest version. Tries are counted elsewhere: the SDK makes one.
 */
import { Readable } from 'node:stream'
import { InvokeCommand, LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda'
import type { Log } from '../../account/log.ts'
import { sdkLogger } from '../../account/sdk-log.ts'
import type { TransformTarget } from '../../domain/delivery-stream.ts'
import { credentialsOf, ownCredentials, type OwnKeys, type RoleCredentials } from '../../runtime/sdk-keys.ts'
import { bounded } from './bounded-bytes.ts'
import { CallFailure, type CallResult } from './codes.ts'
import { isEndedSession, lambdaFailure } from './lambda-errors.ts'

/** The keys are the process's own. */
export interface LambdaSettings extends OwnKeys {
  /** Absent: that of Lambda in the region of each function. */
  readonly endpoint?: string | undefined
  /** Sessions under the roles of processors. Absent: roles are not assumed. */
  readonly roles?: RoleCredentials | undefined
  readonly log: Log
}

export type LambdaTarget = Extract<TransformTarget, { kind: 'lambda' }>

const CONNECTION_MS = 5_000
/** Calls at a time of one client; more would wait for a connection. */
const SOCKETS_MAX = 256
/** Clients that are kept, one for each region and role; the one that was not used for the longest time goes first. */
const CLIENTS_MAX = 64

export class LambdaFunctions {
  readonly #settings: LambdaSettings
  readonly #clients = new Map<string, LambdaClient>()

  constructor(settings: LambdaSettings) {
    this.#settings = settings
  }

  /** The function's answer, or why there is none. Rejects when `signal` aborts. */
  async invoke(target: LambdaTarget, event: Uint8Array, signal: AbortSignal): Promise<CallResult> {
    const { functionArn } = target
    const { roles, endpoint } = this.#settings
    const roleArn = roles === undefined ? undefined : target.roleArn
    try {
      // So that what keeps a role from being assumed is told in its own words.
      if (roleArn !== undefined) await roles?.credentials(roleArn)
      const answer = await this.#client(regionOf(functionArn), roleArn).send(
        new InvokeCommand({ FunctionName: functionArn, InvocationType: 'RequestResponse', Payload: event }),
        { abortSignal: signal },
      )
      const payload = answer.Payload ?? new Uint8Array()
      return answer.FunctionError === undefined ? payload : functionFailure(functionArn, payload)
    } catch (cause) {
      signal.throwIfAborted()
      if (roleArn !== undefined && isEndedSession(cause)) roles?.forget(roleArn)
      return lambdaFailure(cause, { functionArn, endpoint })
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.destroy()
  }

  #client(region: string, roleArn: string | undefined): LambdaClient {
    const key = JSON.stringify([region, roleArn])
    const client = this.#clients.get(key) ?? this.#open(region, roleArn)
    this.#clients.delete(key)
    this.#clients.set(key, client)
    const [oldest] = this.#clients
    // Not destroyed: it may be asking. Its connections close when they have been idle.
    if (this.#clients.size > CLIENTS_MAX && oldest !== undefined) this.#clients.delete(oldest[0])
    return client
  }

  #open(region: string, roleArn: string | undefined): LambdaClient {
    const client = new LambdaClient(this.#config(region, roleArn))
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        const { response } = result
        if (hasStream(response)) response.body = bounded(response.body)
        return result
      },
      // Beside the wire: what reads the body gets it through this.
      { step: 'deserialize', priority: 'low', name: 'boundAnswer' },
    )
    return client
  }

  #config(region: string, roleArn: string | undefined): LambdaClientConfig {
    const { endpoint, roles, log } = this.#settings
    const agent = { keepAlive: true, maxSockets: SOCKETS_MAX }
    return {
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(roles === undefined || roleArn === undefined
        ? ownCredentials(this.#settings)
        : credentialsOf(roles, roleArn)),
      maxAttempts: 1,
      requestHandler: { connectionTimeout: CONNECTION_MS, httpAgent: agent, httpsAgent: agent },
      logger: sdkLogger(log, 'Lambda'),
    }
  }
}

function hasStream(response: unknown): response is { body: Readable } {
  return (
    typeof response === 'object' && response !== null && Reflect.get(response, 'body') instanceof Readable
  )
}

/** `arn:aws:lambda:<region>:<account>:function:<name>` */
function regionOf(functionArn: string): string {
  return functionArn.split(':')[3] || 'us-east-1'
}

/** Of what the function says, only the name of its error is told: its words may be a record's. */
function functionFailure(functionArn: string, payload: Uint8Array): CallFailure {
  const said = saidIn(payload)
  const type = textIn(said, 'errorType')
  const isTimeOut =
    type === 'Sandbox.Timedout' || /Task timed out after [\d.]+ seconds/.test(textIn(said, 'errorMessage'))
  const named = /^[\w.$:]{1,100}$/.test(type) ? ` (${type})` : ''
  return isTimeOut
    ? new CallFailure(`invoke ${functionArn}: it ran out of its own time`, {
        code: 'Lambda.FunctionTimedOut',
        hint: 'raise the Timeout of the function, or send it less at a time (BufferSizeInMBs)',
      })
    : new CallFailure(`invoke ${functionArn}: it failed${named}`, {
        code: 'Lambda.FunctionError',
        hint: 'see the log of the function',
      })
}

/** Undefined when it is not JSON. */
function saidIn(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString())
  } catch {
    return undefined
  }
}

function textIn(said: unknown, member: string): string {
  if (typeof said !== 'object' || said === null) return ''
  const text: unknown = Reflect.get(said, member)
  return typeof text === 'string' ? text : ''
}

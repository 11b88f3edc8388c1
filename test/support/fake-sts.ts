/** A small, honest STS for tests: AssumeRole alone, of requests that are signed with the secret that it knows. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signedBy } from './signature.ts'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

interface GivenSession extends Keys {
  readonly sessionToken: string
}

export interface FakeSts {
  readonly endpoint: string
  /** What was asked for, as members of AssumeRole. */
  readonly asked: readonly Readonly<Record<string, string>>[]
  /** The sessions given, in order; those of a role alone. */
  sessions(roleArn?: string): readonly GivenSession[]
  /** Answers the next requests for the role with this error; undefined: with sessions again. */
  refuse(roleArn: string, error: { status: number; code: string } | undefined): void
  /** No answer comes until the returned function is called. */
  hold(): () => void
  close(): Promise<void>
}

/** @param lastsMs of each session, by the clock of this machine */
export async function startFakeSts(own: Keys, lastsMs = 3_600_000): Promise<FakeSts> {
  const asked: Record<string, string>[] = []
  const given: { readonly roleArn: string; readonly session: GivenSession }[] = []
  const refused = new Map<string, { status: number; code: string }>()
  let held: Promise<void> = Promise.resolve()

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request)
    const { method = '', url = '', headers } = request
    const signed = signedBy({ method, url, headers, body })
    const members = Object.fromEntries(new URLSearchParams(body))
    await held
    if (signed.accessKeyId !== own.accessKeyId) return answerError(response, 403, 'InvalidClientTokenId')
    if (signed.signature !== signed.expected(own.secretAccessKey))
      return answerError(response, 403, 'SignatureDoesNotMatch')
    asked.push(members)
    const { Action, RoleArn = '', RoleSessionName = '' } = members
    const refusal = refused.get(RoleArn)
    if (refusal !== undefined) return answerError(response, refusal.status, refusal.code)
    if (Action !== 'AssumeRole' || !/^[\w+=,.@-]{2,64}$/.test(RoleSessionName))
      return answerError(response, 400, 'ValidationError')
    const number = given.length + 1
    const session = {
      accessKeyId: `ASIASESSION${number}`,
      secretAccessKey: `secret-of-session-${number}`,
      sessionToken: `token-of-session-${number}`,
    }
    given.push({ roleArn: RoleArn, session })
    answerXml(response, 200, answerOf(session, new Date(Date.now() + lastsMs)))
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    sessions: (roleArn) =>
      given.filter((one) => roleArn === undefined || one.roleArn === roleArn).map(({ session }) => session),
    refuse: (roleArn, error) =>
      void (error === undefined ? refused.delete(roleArn) : refused.set(roleArn, error)),
    hold() {
      let letGo: () => void = () => undefined
      held = new Promise((resolve) => (letGo = resolve))
      return () => letGo()
    },
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function answerOf({ accessKeyId, secretAccessKey, sessionToken }: GivenSession, end: Date): string {
  const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/'
  return `<AssumeRoleResponse xmlns="${namespace}"><AssumeRoleResult><Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken><Expiration>${end.toISOString()}</Expiration></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>fake</RequestId></ResponseMetadata></AssumeRoleResponse>`
}

function answerError(response: ServerResponse, status: number, code: string): void {
  const type = status < 500 ? 'Sender' : 'Receiver'
  answerXml(
    response,
    status,
    `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>${type}</Type><Code>${code}</Code><Message>${code}: no</Message></Error><RequestId>fake</RequestId></ErrorResponse>`,
  )
}

function answerXml(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

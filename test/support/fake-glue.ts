/**
 * A small, strict AWS Glue for tests: databases, tables and their versions, over JSON 1.1, for requests that are signed with
 * a secret that it knows and that have no member which the real one does not take.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signedBy } from './signature.ts'

export interface GlueFault {
  readonly status?: number
  readonly type: string
  readonly message?: string
}

export interface FakeGlue {
  readonly endpoint: string
  /** What was asked, in order: operation, members, and whose key signed it. */
  readonly asked: readonly AskedOfGlue[]
  /** Answers the next requests with this error; `cut`: ends their connections; undefined: answers again. */
  fail(fault: GlueFault | 'cut' | undefined): void
  /** No answer comes until the returned function is called. */
  hold(): () => void
  close(): Promise<void>
}

export interface AskedOfGlue {
  readonly operation: string
  readonly input: Members
  readonly accessKeyId: string
  readonly region: string
}

type Members = Readonly<Record<string, unknown>>
type Operation = (input: Members) => unknown

class Refusal extends Error {
  readonly fault: GlueFault
  constructor(fault: GlueFault) {
    super(fault.type)
    this.fault = fault
  }
}

const members: Readonly<Record<string, readonly string[]>> = {
  CreateDatabase: ['CatalogId', 'DatabaseInput'],
  CreateTable: ['CatalogId', 'DatabaseName', 'TableInput'],
  UpdateTable: ['CatalogId', 'DatabaseName', 'TableInput'],
  DeleteTable: ['CatalogId', 'DatabaseName', 'Name'],
  GetTable: ['CatalogId', 'DatabaseName', 'Name'],
  GetTableVersion: ['CatalogId', 'DatabaseName', 'TableName', 'VersionId'],
}

/** @param secrets by access key id */
export async function startFakeGlue(secrets: Readonly<Record<string, string>>): Promise<FakeGlue> {
  const asked: AskedOfGlue[] = []
  const operations = operationsOn(new Map())
  let fault: GlueFault | 'cut' | undefined
  let held: Promise<void> = Promise.resolve()

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request)
    const { method = '', url = '', headers } = request
    const signed = signedBy({ method, url, headers, body })
    const [, , region = '', service] =
      /Credential=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.split('/') ?? []
    const operation = /^AWSGlue\.(\w+)$/.exec(String(headers['x-amz-target']))?.[1] ?? ''
    const input = JSON.parse(body) as Members
    asked.push({ operation, input, accessKeyId: signed.accessKeyId, region })
    await held
    if (fault === 'cut') return void request.socket.destroy()
    try {
      if (fault !== undefined) throw new Refusal(fault)
      const secret = secrets[signed.accessKeyId]
      if (secret === undefined || service !== 'glue')
        throw new Refusal({ type: 'UnrecognizedClientException', message: 'The security token is invalid.' })
      if (signed.signature !== signed.expected(secret))
        throw new Refusal({ type: 'InvalidSignatureException' })
      const known = members[operation]
      const unknown = Object.keys(input).find((name) => !(known ?? []).includes(name))
      if (known === undefined || unknown !== undefined)
        throw new Refusal({ type: 'ValidationException', message: `${operation} has no ${unknown}` })
      if (headers['content-type'] !== 'application/x-amz-json-1.1')
        throw new Refusal({ type: 'SerializationException' })
      answer(response, 200, operations[operation]?.(input) ?? {})
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { status = 400, type, message = '' } = error.fault
      answer(response, status, { __type: type, Message: message })
    }
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    fail: (next) => void (fault = next),
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

/** @param versions of tables, the newest last, by catalog, database and name */
function operationsOn(versions: Map<string, Members[]>): Readonly<Record<string, Operation>> {
  const databases = new Set<string>()
  const keyOf = ({ CatalogId = '', DatabaseName }: Members, name: unknown): string =>
    JSON.stringify([CatalogId, DatabaseName, name])
  const tableInput = ({ TableInput }: Members): Members => TableInput as Members
  const find = (input: Members, name: unknown): Members[] => {
    if (!databases.has(keyOf(input, undefined)))
      throw notFound(`Database ${String(input['DatabaseName'])} not found.`)
    const found = versions.get(keyOf(input, name))
    if (found === undefined) throw notFound(`Table ${String(name)} not found.`)
    return found
  }
  const shown = (found: readonly Members[], index: number): Members => ({
    ...found[index],
    VersionId: String(index),
    CreateTime: 1_790_000_000,
  })
  return {
    CreateDatabase: (input) => {
      const { Name } = input['DatabaseInput'] as Members
      databases.add(keyOf({ ...input, DatabaseName: Name }, undefined))
    },
    CreateTable: (input) => {
      const table = tableInput(input)
      versions.set(keyOf(input, table['Name']), [{ ...table, DatabaseName: input['DatabaseName'] }])
    },
    UpdateTable: (input) => {
      const table = tableInput(input)
      find(input, table['Name']).push({ ...table, DatabaseName: input['DatabaseName'] })
    },
    DeleteTable: (input) => void versions.delete(keyOf(input, input['Name'])),
    GetTable: (input) => {
      const found = find(input, input['Name'])
      return { Table: shown(found, found.length - 1) }
    },
    GetTableVersion: (input) => {
      const { VersionId } = input
      if (typeof VersionId !== 'string' || !/^\d+$/.test(VersionId))
        throw new Refusal({
          type: 'InvalidInputException',
          message: `${String(VersionId)} is not a valid number.`,
        })
      const found = find(input, input['TableName'])
      if (found[Number(VersionId)] === undefined) throw notFound('Table version not found.')
      return { TableVersion: { Table: shown(found, Number(VersionId)), VersionId } }
    },
  }
}

function notFound(message: string): Refusal {
  return new Refusal({ type: 'EntityNotFoundException', message })
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

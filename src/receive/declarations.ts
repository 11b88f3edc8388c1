/**
 * Delivery streams declared in a configuration file. A declaration is the input of CreateDeliveryStream, word for word,
 * RoleARN optional. It acts once, known by its hash: the first time it creates the stream or, like UpdateDestination,
 * changes it. So a process that starts with an old file cannot push an old declaration back. What is no longer declared
 * is kept.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Log } from '../account/log.ts'
import type { Column, DeliveryStream } from '../domain/delivery-stream.ts'
import { ClientError, StartError } from '../domain/errors.ts'
import type { Clock, Registry, ResolveColumns } from '../domain/ports.ts'
import { definitionFrom, tableProblem } from './definition.ts'
import { streamProblems } from './destination-rules.ts'
import { readStructure, type UnknownMember } from './http/constraints.ts'
import { createInputShape, type CreateInput } from './http/create-input.ts'
import type { Limits } from './http/shapes.ts'

export interface DeclarationContext {
  readonly region: string
  readonly accountId: string
  readonly limits: Limits
  /** Which known name a misspelt one stands for. */
  readonly nearestName?: (name: string, known: readonly string[]) => string | undefined
}

export interface DeclarationsOptions {
  /** Inputs of CreateDeliveryStream. */
  readonly declarations: readonly unknown[]
  readonly registry: Registry
  readonly context: DeclarationContext
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /** Without it tables are not looked up. */
  readonly resolveColumns?: ResolveColumns
  readonly supportsColumns?: (columns: readonly Column[]) => string | undefined
}

/** Everything that is wrong with one declaration, each sentence with its path; empty when it can be applied. */
export function checkDeclaration(input: unknown, context: DeclarationContext): string[] {
  const options = { ...context, roleOptional: true }
  const shape = createInputShape(options)
  try {
    const { value, violations, unknown, badRoles } = readStructure(shape, input)
    const problems = [
      ...violations,
      ...badRoles.map((path) => `Value at '${path}' is not the ARN of a role`),
      ...unknown.map((member) => unknownProblem(member, context)),
    ]
    if (problems.length > 0) return problems
    return [...streamProblems(value as unknown as CreateInput, options)]
  } catch (error) {
    if (error instanceof ClientError) return [error.message]
    throw error
  }
}

function unknownProblem({ path, name, known }: UnknownMember, { nearestName }: DeclarationContext): string {
  const nearest = nearestName?.(name, known)
  return `'${path}' is not known${nearest === undefined ? '' : `; did you mean ${nearest}?`}`
}

/**
 * Creates and updates what is declared; answers the declared streams as they now are.
 *
 * @throws StartError that names everything that is wrong, before anything is changed
 */
export async function applyDeclarations(options: DeclarationsOptions): Promise<readonly DeliveryStream[]> {
  const declared = options.declarations.map((input) => ({ hash: declarationHash(input), input }))
  await refuseProblems(options)
  const applied: DeliveryStream[] = []
  for (const { hash, input } of declared) applied.push(await apply(wanted(input, options), hash, options))
  const names = new Set(applied.map((stream) => stream.name))
  for (const stream of await options.registry.list())
    if (stream.declarations.length > 0 && !names.has(stream.name))
      options.log.warn(
        { deliveryStream: stream.name },
        'delivery stream is no longer declared and was kept; delete it with DeleteDeliveryStream',
      )
  return applied
}

async function refuseProblems(options: DeclarationsOptions): Promise<void> {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const [index, input] of options.declarations.entries()) {
    const found = checkDeclaration(input, options.context)
    if (found.length === 0) {
      const stream = wanted(input, options)
      const problem = await tableProblem(stream, options)
      if (problem !== undefined) found.push(problem)
      if (seen.has(stream.name)) found.push(`${stream.name} is declared twice`)
      seen.add(stream.name)
    }
    problems.push(...found.map((problem) => `deliveryStreams[${index}]: ${problem}`))
  }
  if (problems.length > 0)
    throw new StartError(`declare delivery streams:\n${problems.join('\n')}`, {
      hint: 'correct deliveryStreams in the configuration file; hydrant check names the same problems',
    })
}

/** The stream that a checked declaration asks for, as if it were new. */
function wanted(input: unknown, { context, clock }: DeclarationsOptions): DeliveryStream {
  const read = readStructure(createInputShape({ ...context, roleOptional: true }), input)
  return definitionFrom(read.value as unknown as CreateInput, {
    ...context,
    roleOptional: true,
    incarnation: randomBytes(8).toString('hex'),
    nowMs: clock.now(),
  })
}

/** Other processes may apply their files at the same moment: each step is repeated from what is stored until it holds. */
async function apply(
  stream: DeliveryStream,
  hash: string,
  { registry, log }: DeclarationsOptions,
): Promise<DeliveryStream> {
  for (;;) {
    const stored = await registry.get(stream.name)
    if (stored === undefined) {
      const created = { ...stream, declarations: [hash] }
      if ((await registry.create(created)) !== 'created') continue
      log.info(
        { deliveryStream: stream.name, incarnation: stream.incarnation },
        'delivery stream was created',
      )
      return created
    }
    if (stored.status === 'DELETING') {
      await registry.remove(stored)
      continue
    }
    if (stored.declarations.includes(hash)) {
      if (stored.declarations.at(-1) !== hash && !sameEffect(stored, stream))
        log.warn(
          {
            deliveryStream: stream.name,
            version: stored.version,
            hint: 'each declaration acts once, so that an old file changes nothing back; to return to it, change it in any member, a tag for instance',
          },
          'declaration was superseded by a later one and was not applied again',
        )
      return stored
    }
    const changed = updated(stored, stream, hash)
    if ((await registry.replace(changed, stored.version)) !== 'replaced') continue
    // Read once more: the hash of another process's declaration may have taken the place of this one.
    log.info({ deliveryStream: stream.name, version: changed.version }, 'declaration was applied')
  }
}

/** The stored stream with the destination of the declaration; a new version only if that changes anything. */
function updated(stored: DeliveryStream, declared: DeliveryStream, hash: string): DeliveryStream {
  const declarations = [...stored.declarations, hash]
  if (sameEffect(stored, declared)) return { ...stored, declarations }
  return {
    ...stored,
    hints: declared.hints,
    destination: declared.destination,
    description: declared.description,
    version: stored.version + 1,
    updatedAtMs: declared.createdAtMs,
    declarations,
  }
}

function sameEffect(a: DeliveryStream, b: DeliveryStream): boolean {
  const effect = ({ hints, destination, description }: DeliveryStream): string =>
    canonical({ hints, destination, description })
  return effect(a) === effect(b)
}

/** The same for declarations that differ in the order of their members only. */
export function declarationHash(declaration: unknown): string {
  return createHash('sha256').update(canonical(declaration)).digest('hex')
}

/** JSON with the members of every object in order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}

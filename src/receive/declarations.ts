/**
 * Delivery streams declared in a configuration file. A declaration is the input of CreateDeliveryStream, word for word,
 * RoleARN optional, and what `extensions` says of the stream. It acts once, known by its hash: the first time it creates
 * the stream or, like UpdateDestination, changes it and leaves its tags and its encryption as they are. So a process that
 * starts with an old file cannot push an old declaration back. What is no longer declared is kept. A source cannot be
 * changed, as on AWS.
 */
import { randomBytes } from 'node:crypto'
import type { Log } from '../account/log.ts'
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import { ClientError, StartError } from '../domain/errors.ts'
import type { Clock, Registry } from '../domain/ports.ts'
import { declarationHash, declare, impossibleChange } from './declare.ts'
import { definitionFrom, unfitExtension, type DeploymentRules } from './definition.ts'
import { streamProblems } from './destination-rules.ts'
import { extensionMessage, type ExtensionProblem } from './extension-rules.ts'
import {
  beganAsAsked,
  extensionOf,
  hasExtension,
  type Extensions,
  type StreamExtension,
} from './extensions.ts'
import { readStructure, type UnknownMember } from './http/constraints.ts'
import { createInputShape, type CreateInput } from './http/create-input.ts'
import type { Limits } from './http/shapes.ts'
import { outsideProblem, type OutsideChecks } from './outside-checks.ts'
import { partitioningOf } from './processing-delivery.ts'

export interface DeclarationContext extends DeploymentRules {
  readonly region: string
  readonly accountId: string
  readonly limits: Limits
  /** Which known name a misspelt one stands for. */
  readonly nearestName?: (name: string, known: readonly string[]) => string | undefined
}

/** Without a check tables and queries are not looked at. */
export interface DeclarationsOptions extends OutsideChecks {
  /** Inputs of CreateDeliveryStream. */
  readonly declarations: readonly unknown[]
  /** By name of a delivery stream, declared or not. */
  readonly extensions?: Extensions
  readonly registry: Registry
  readonly context: DeclarationContext
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  /**
   * Tables change where this configuration is not: what is wrong with the one of a declaration that has acted is a warning,
   * so that a process starts again whatever became of it.
   */
  readonly hasOtherCatalog?: boolean
}

/**
 * Everything that is wrong with one declaration, each sentence with its path; empty when it can be applied.
 *
 * @param extensions by name of a delivery stream; what is wrong with them themselves is another question
 */
export function checkDeclaration(
  input: unknown,
  context: DeclarationContext,
  extensions?: Extensions,
): string[] {
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
    const stream = value as unknown as CreateInput
    const transforms = extensionOf(extensions, stream.DeliveryStreamName)?.transform !== undefined
    return [...streamProblems(stream, options, transforms)]
  } catch (error) {
    if (error instanceof ClientError) return [error.message]
    throw error
  }
}

/** What the stream of a declaration that has no problem cannot have of its extension. */
export function checkExtension(
  input: unknown,
  extension: StreamExtension,
  context: DeclarationContext,
  nowMs: number,
): ExtensionProblem[] {
  return [...unfitExtension(read(input, context), extension, { ...context, nowMs })]
}

/** The jq query of a declaration that has no problem, where it has one. */
export function declaredQuery(input: unknown, context: DeclarationContext): string | undefined {
  const { ExtendedS3DestinationConfiguration: destination } = read(input, context)
  return destination && partitioningOf(destination)?.query
}

function read(input: unknown, context: DeclarationContext): CreateInput {
  const { value } = readStructure(createInputShape({ ...context, roleOptional: true }), input)
  return value as unknown as CreateInput
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
  await checkDeclarations(options)
  const applied: DeliveryStream[] = []
  for (const input of options.declarations)
    applied.push(await declare(declaredStream(input, options), input, options))
  const names = new Set(applied.map((stream) => stream.name))
  const others = (await options.registry.list()).filter((stream) => !names.has(stream.name))
  for (const stream of others)
    if (stream.declarations.length > 0)
      options.log.warn(
        { deliveryStream: stream.name },
        'delivery stream is no longer declared and was kept; delete it with DeleteDeliveryStream',
      )
  tellUnused(names, others, options)
  return applied
}

/** Extensions that this start gives to no stream. */
function tellUnused(
  declared: ReadonlySet<string>,
  others: readonly DeliveryStream[],
  { extensions = {}, log }: DeclarationsOptions,
): void {
  for (const name of Object.keys(extensions)) {
    const extension = extensionOf(extensions, name)
    if (declared.has(name) || extension === undefined) continue
    const stream = others.find((other) => other.name === name)
    if (stream === undefined)
      log.warn(
        { deliveryStream: name, hint: 'it acts when CreateDeliveryStream makes that delivery stream' },
        'extension was given to no delivery stream, because there is none of its name',
      )
    else if (!hasExtension(stream, extension) || !beganAsAsked(stream, extension))
      log.warn(
        { deliveryStream: name, hint: 'declare the delivery stream under deliveryStreams, or make it anew' },
        'extension was not applied, because its delivery stream is there and is not declared',
      )
  }
}

/**
 * Looks at what is declared, and at what it would change, and changes nothing.
 *
 * @throws StartError that names everything that is wrong
 */
export async function checkDeclarations(options: DeclarationsOptions): Promise<void> {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const [index, input] of options.declarations.entries()) {
    const found = declarationProblems(input, options)
    if (found.length === 0) {
      const stream = declaredStream(input, options)
      const problem = (await problemOutside(stream, input, options)) ?? (await unmadeChange(stream, options))
      if (problem !== undefined) found.push(problem)
      if (seen.has(stream.name)) found.push(`${stream.name} is declared twice`)
      seen.add(stream.name)
    }
    problems.push(...found.map((problem) => `deliveryStreams[${index}]: ${problem}`))
  }
  if (problems.length > 0)
    throw new StartError(`declare delivery streams:\n${problems.join('\n')}`, {
      hint: 'correct deliveryStreams or extensions in the configuration file; hydrant check names all but what a stream that is there cannot become',
    })
}

/** A catalog that cannot be asked keeps no process from starting: deliveries wait for it. */
async function problemOutside(
  stream: DeliveryStream,
  input: unknown,
  options: DeclarationsOptions,
): Promise<string | undefined> {
  const tell = (problem: string): undefined => {
    options.log.warn(
      { deliveryStream: stream.name, problem },
      'table or query of a delivery stream is not as it should be',
    )
    return undefined
  }
  try {
    const problem = await outsideProblem(stream, options)
    if (problem === undefined || options.hasOtherCatalog !== true) return problem
    const stored = await options.registry.get(stream.name)
    const hash = declarationHash(input, extensionOf(options.extensions, stream.name))
    return stored?.declarations.includes(hash) === true ? tell(problem) : problem
  } catch (error) {
    if (error instanceof ClientError) return tell(error.message)
    throw error
  }
}

function declarationProblems(input: unknown, { context, extensions, clock }: DeclarationsOptions): string[] {
  const problems = checkDeclaration(input, context, extensions)
  if (problems.length > 0) return problems
  const { DeliveryStreamName: name } = read(input, context)
  const extension = extensionOf(extensions, name)
  if (extension === undefined) return []
  return checkExtension(input, extension, context, clock.now()).map((problem) =>
    extensionMessage(name, problem),
  )
}

async function unmadeChange(
  declared: DeliveryStream,
  { registry }: DeclarationsOptions,
): Promise<string | undefined> {
  const stored = await registry.get(declared.name)
  return stored === undefined || stored.status === 'DELETING' ? undefined : impossibleChange(stored, declared)
}

/** The stream that a checked declaration asks for, as if it were new. */
export function declaredStream(
  input: unknown,
  { context, clock, extensions }: Pick<DeclarationsOptions, 'context' | 'clock' | 'extensions'>,
): DeliveryStream {
  return definitionFrom(read(input, context), {
    ...context,
    extensions,
    roleOptional: true,
    incarnation: randomBytes(8).toString('hex'),
    nowMs: clock.now(),
  })
}

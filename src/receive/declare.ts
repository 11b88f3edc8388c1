/**
 * One declaration and its stream. It acts once, known by its hash; what was created stays what it is in its source.
 */
import { createHash } from 'node:crypto'
import type { Log } from '../account/log.ts'
import type { DeliveryStream } from '../domain/delivery-stream.ts'
import { StartError } from '../domain/errors.ts'
import type { Registry } from '../domain/ports.ts'
import { extensionOf, startOf, type Extensions, type StreamExtension } from './extensions.ts'

export interface DeclareOptions {
  readonly registry: Registry
  readonly extensions?: Extensions
  readonly log: Log
}

/**
 * Brings one declaration in force, if it has not been, and answers the stream as it now is. Other processes may apply their
 * files at the same moment: each step is repeated from what is stored until it holds.
 *
 * @param stream what the declaration asks for, as if it were new
 * @param input the declaration
 * @throws StartError when the stream cannot become what the declaration asks for
 */
export async function declare(
  stream: DeliveryStream,
  input: unknown,
  { registry, log, extensions }: DeclareOptions,
): Promise<DeliveryStream> {
  const extension = extensionOf(extensions, stream.name)
  const hash = declarationHash(input, extension)
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
    const change = impossibleChange(stored, stream)
    if (change !== undefined) throw new StartError(`declare delivery streams: ${change}`)
    if (stored.declarations.includes(hash)) {
      tellKept(stored, stream, { hash, extension, log })
      return stored
    }
    const changed = updated(stored, stream, hash)
    // Otherwise something else of the stream was changed meanwhile, and this must not undo it.
    if ((await registry.replace(changed)) !== 'replaced') continue
    log.info({ deliveryStream: stream.name, version: changed.version }, 'declaration was applied')
    // What of it is not in force is told by another look.
  }
}

/** What of a declaration is not in force. */
function tellKept(
  stored: DeliveryStream,
  declared: DeliveryStream,
  {
    hash,
    extension,
    log,
  }: { readonly hash: string; readonly extension: StreamExtension | undefined; readonly log: Log },
): void {
  const { name, version, kinesis } = stored
  if (stored.declarations.at(-1) !== hash && !sameEffect(stored, declared))
    log.warn(
      {
        deliveryStream: name,
        version,
        hint: 'each declaration acts once, so that an old file changes nothing back; to return to it, change it in any member, a tag for instance',
      },
      'declaration was superseded by a later one and was not applied again',
    )
  if (kinesis !== undefined && kinesis.start !== startOf(extension, stored.createdAtMs))
    log.warn(
      {
        deliveryStream: name,
        start: kinesis.start,
        hint: 'startingPosition acts when a delivery stream is created: take it back, or delete the delivery stream and start again',
      },
      'starting position was not changed',
    )
}

/** A definition stays small, however often its file changes. */
const DECLARATIONS_KEPT = 1_000

/** The stored stream with the destination of the declaration; a new version only if that changes anything. */
function updated(stored: DeliveryStream, declared: DeliveryStream, hash: string): DeliveryStream {
  const declarations = [...stored.declarations, hash].slice(-DECLARATIONS_KEPT)
  if (sameEffect(stored, declared)) return { ...stored, declarations }
  const { hints, destination, description, kinesis } = declared
  return {
    ...stored,
    hints,
    destination,
    description,
    ...(kinesis && stored.kinesis ? { kinesis: { ...kinesis, start: stored.kinesis.start } } : {}),
    version: stored.version + 1,
    updatedAtMs: declared.createdAtMs,
    declarations,
  }
}

export function sameEffect(a: DeliveryStream, b: DeliveryStream): boolean {
  const effect = ({ hints, destination, description, kinesis }: DeliveryStream): string =>
    canonical({ hints, destination, description, outOfRangeRecords: kinesis?.outOfRangeRecords })
  return effect(a) === effect(b)
}

/** The same for declarations that differ in the order of their members only. */
export function declarationHash(declaration: unknown, extension?: StreamExtension): string {
  const whole = extension === undefined ? declaration : { declaration, extension }
  return createHash('sha256').update(canonical(whole)).digest('hex')
}

/** JSON with the members of every object in order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}

/** What no update may do to a stream, in a sentence; the same for the API and for a file. */
export function impossibleChange(stored: DeliveryStream, declared: DeliveryStream): string | undefined {
  const change = sourceChange(stored, declared)
  if (change !== undefined) return change
  const [was, wanted] = [stored, declared].map(({ destination }) => destination.partitioning !== undefined)
  if (was !== wanted)
    return `${stored.name} was created ${was ? 'with' : 'without'} dynamic partitioning and is declared ${wanted ? 'with' : 'without'} it; that cannot be changed, as on AWS: delete the delivery stream with DeleteDeliveryStream, which drops what it has not delivered, or declare this one under another name`
  if (stored.destination.backup === undefined || declared.destination.backup !== undefined) return undefined
  return `${stored.name} has S3BackupMode Enabled and is declared without; a backup cannot be disabled, as on AWS: declare it again, or delete the delivery stream with DeleteDeliveryStream, which drops what it has not delivered`
}

/** A source stays what it was when the stream was created. Its role may differ: nothing assumes it. */
function sourceChange(stored: DeliveryStream, declared: DeliveryStream): string | undefined {
  const [was, wanted] = [stored, declared].map(({ type, kinesis }) =>
    kinesis === undefined ? type : `${type} of ${kinesis.streamArn}`,
  )
  if (was === wanted) return undefined
  return `${stored.name} was created as ${was} and is declared as ${wanted}; a source cannot be changed: delete the delivery stream with DeleteDeliveryStream, which drops what it has not delivered, or declare this one under another name`
}

/**
 * What a declared delivery stream would make of sample records: the schema, the key that each record would get, those that
 * would fail and why, objects and their sizes. The records take the way of a delivery, through the same code, but nothing is
 * stored, put or kept; a transform is called only if that is asked for.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from './account/log.ts'
import { Metrics } from './account/metrics.ts'
import { nearestName } from './config/nearest-name.ts'
import type { Config } from './config/schema.ts'
import { openEngines, type Engines } from './convert/engines.ts'
import { makePlan } from './deliver/plan.ts'
import type { DeliveryStream } from './domain/delivery-stream.ts'
import { EncoderError, StartError } from './domain/errors.ts'
import type { Frame } from './domain/frame.ts'
import type { Plan } from './domain/plan.ts'
import { keptInMemory, landDry, type DryLanding } from './preview/dry-landing.ts'
import type { Preview } from './preview/report.ts'
import { readSample } from './preview/sample.ts'
import { declaredStream } from './receive/declarations.ts'
import { systemClock as clock } from './runtime/clock.ts'
import { neverCrash } from './runtime/crash-point.ts'
import { openCatalog } from './wiring/catalog.ts'
import { deploymentRules } from './wiring/deployment-rules.ts'
import type { OnStop } from './wiring/parts.ts'
import { openProcessors, planLimits } from './wiring/processing.ts'
import { openRoles } from './wiring/roles.ts'

export interface PreviewOptions {
  /** Checked, with what it declares. */
  readonly config: Config
  /** Name of a delivery stream that is declared. */
  readonly stream: string
  readonly sample: { readonly path: string; readonly isBase64: boolean }
  /** Whether a transform is called. */
  readonly callsTransform: boolean
}

/** @throws StartError for a stream that is not declared, a sample that cannot be read, or what keeps it from being converted */
export async function preview(options: PreviewOptions): Promise<Preview> {
  const stream = streamOf(options)
  const frames = await readSample({ ...options.sample, arrivalMs: clock.now() })
  const closers: (() => Promise<void>)[] = []
  const folder = await mkdtemp(join(tmpdir(), 'hydrant-preview-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  try {
    const previewed = { ...options, stream, frames }
    const { plan, landing } = await inFolder(folder, previewed, (close) => closers.push(close))
    return { ...landing, stream, plan, notes: notesOf(previewed, landing) }
  } catch (error) {
    throw error instanceof EncoderError ? refused(error) : error
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}

function streamOf({ config, stream: name }: PreviewOptions): DeliveryStream {
  const context = { ...config.aws, ...deploymentRules(config), limits: config.limits, nearestName }
  const names = config.deliveryStreams.map(({ DeliveryStreamName: declared }) =>
    typeof declared === 'string' ? declared : '',
  )
  const declaration = config.deliveryStreams[names.indexOf(name)]
  if (declaration === undefined) {
    const nearest = nearestName(name, names)
    const known = names.length === 0 ? 'it declares none' : `it declares ${names.join(', ')}`
    throw new StartError(`preview ${name}: the configuration file declares no delivery stream of this name`, {
      hint: nearest === undefined ? known : `did you mean ${nearest}? ${known}`,
    })
  }
  return declaredStream(declaration, { context, clock, extensions: config.extensions })
}

interface Previewed extends Omit<PreviewOptions, 'stream'> {
  readonly stream: DeliveryStream
  readonly frames: readonly Frame[]
}

/** @param folder for everything that is staged */
async function inFolder(
  folder: string,
  { config, stream, frames, callsTransform }: Previewed,
  onStop: OnStop,
): Promise<{ readonly plan: Plan; readonly landing: DryLanding }> {
  const log = createLog('silent')
  const engines = await enginesIn(folder, config, onStop)
  const sessions = await openRoles(config, log, onStop)
  const resolveColumns = openCatalog({ config, roles: sessions, log, onStop })(() => config)
  const plan = await makePlan(stream, resolveColumns, engines.planned, planLimits(config))
  const processors = openProcessors({
    config,
    buffer: keptInMemory(),
    registry: { get: () => Promise.resolve(stream) },
    stagingPath: folder,
    sessions,
    metrics: new Metrics(),
    log,
    crash: neverCrash,
    onStop,
  })
  const landing = await landDry(stream, callsTransform ? plan : untransformed(plan), frames, {
    encoderFor: (planned) => engines.encoderFor(planned, false),
    processors,
    stagingPath: folder,
    log,
  })
  return { plan, landing }
}

async function enginesIn(folder: string, config: Config, onStop: OnStop): Promise<Engines> {
  const { engine, threads, memoryLimit } = config.convert
  const log = createLog('silent')
  const engines = await openEngines({
    engine,
    threads,
    memoryLimitBytes: memoryLimit,
    stagingPath: folder,
    log,
  })
  onStop(() => engines.close())
  return engines
}

function untransformed(plan: Plan): Plan {
  const { processing } = plan.destination
  if (processing?.transform === undefined) return plan
  const { transform: _, ...others } = processing
  return { ...plan, destination: { ...plan.destination, processing: others } }
}

/** What is otherwise in production. */
function notesOf({ config, stream, callsTransform }: Previewed, { batch }: DryLanding): string[] {
  const { destination } = stream
  const notes: string[] = []
  if (destination.processing?.transform !== undefined && !callsTransform)
    notes.push('the transform was not called, so records are as before it; --transform calls it')
  if (destination.backup !== undefined)
    notes.push(`each record also lands as it came in the backup, ${destination.backup.bucket}`)
  if (config.objectStore.type === 'file') notes.push(`buckets are folders below ${config.objectStore.root}`)
  if (batch.bytes > stream.hints.bytes)
    notes.push(`as one batch; production would seal one at ${stream.hints.bytes} bytes`)
  return notes
}

function refused({ message, hint, cause }: EncoderError): StartError {
  return new StartError(message, { cause, hint: hint ?? 'correct the table of the delivery stream' })
}

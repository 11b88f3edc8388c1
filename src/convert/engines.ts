/**
 * The engines of this process. New batches are planned with the configured one, which must load before the process serves;
 * what an older plan asks for is opened when it is met. A batch that killed processes goes to a child process.
 */
import type { Log } from '../account/log.ts'
import { EncoderError, StartError, unreachable } from '../domain/errors.ts'
import type { ConvertingEngine, Engine, Plan } from '../domain/plan.ts'
import type { Encoder, PlannedEngine } from '../domain/ports.ts'
import { isolatedEncoder } from './isolated.ts'
import { openRawEncoder } from './raw.ts'
import { checkColumns } from './served-columns.ts'

export interface EngineOptions {
  readonly engine: ConvertingEngine
  readonly stagingPath: string
  readonly threads: number
  readonly memoryLimitBytes: number
  readonly log: Log
}

type PlannedBy = Pick<Plan, 'engine' | 'engineVersion'>

export interface Engines {
  readonly planned: PlannedEngine
  /** What a pinned plan asks for; careful: in a process of its own. */
  encoderFor(plan: PlannedBy, careful: boolean): Promise<Encoder>
  close(): Promise<void>
}

/** An encoder that holds something until it is closed. */
type OpenEncoder = Encoder & {
  readonly version: string
  close(): Promise<void>
}

/** @throws StartError when the configured engine does not load on this machine */
export async function openEngines(options: EngineOptions): Promise<Engines> {
  const opened = new Map<Engine, Promise<OpenEncoder>>()
  const open = (engine: Engine): Promise<OpenEncoder> => {
    const known = opened.get(engine)
    if (known !== undefined) return known
    const opening = openEngine(engine, options)
    opened.set(engine, opening)
    opening.catch(() => opened.delete(engine))
    return opening
  }
  const planned = await open(options.engine).catch((cause: unknown) => {
    if (cause instanceof EncoderError) {
      throw new StartError(cause.message, {
        cause,
        ...(cause.hint === undefined ? {} : { hint: cause.hint }),
      })
    }
    throw new StartError(
      `load engine ${options.engine}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: 'set convert.engine: js, which needs no native library and is slower; all processes must choose the same engine',
      },
    )
  })
  return {
    planned: {
      engine: options.engine,
      version: planned.version,
      checkColumns: (columns, conversion) => checkColumns(options.engine, columns, conversion),
    },
    async encoderFor({ engine, engineVersion }, careful) {
      if (engine === 'raw') return careful ? isolatedEncoder({ ...options, engine }) : open(engine)
      const encoder = await open(engine)
      if (encoder.version !== engineVersion) {
        options.log.warn(
          { engine, engineVersion, ours: encoder.version },
          'plan of another version was taken',
        )
      }
      return careful ? isolatedEncoder({ ...options, engine }) : encoder
    },
    async close() {
      for (const encoder of await Promise.allSettled(opened.values())) {
        if (encoder.status === 'fulfilled') await encoder.value.close()
      }
    },
  }
}

/** An engine is loaded when it is asked for, so that a platform without the native library can run the other one. */
async function openEngine(engine: Engine, options: EngineOptions): Promise<OpenEncoder> {
  switch (engine) {
    case 'duckdb': {
      const { openDuckdbEncoder } = await import('./duckdb-encoder.ts')
      return openDuckdbEncoder(options)
    }
    case 'js': {
      const { openParquetjsEncoder } = await import('./parquetjs-encoder.ts')
      return openParquetjsEncoder(options)
    }
    case 'raw':
      return openRawEncoder(options)
    default:
      return unreachable(engine)
  }
}

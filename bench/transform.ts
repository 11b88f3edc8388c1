/** The transform alone: orders to a function of Lambda that answers them as they came, in a process of its own, and back. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { createLog } from '../src/account/log.ts'
import { Metrics } from '../src/account/metrics.ts'
import { createTransform } from '../src/process/transform/transform.ts'
import { systemClock as clock } from '../src/runtime/clock.ts'
import { deliveryStream, transformBy } from '../test/support/transform-batch.ts'
import { inputOf, orderFrames } from './convert.ts'
import { eightColumns } from './orders.ts'

const RUNS = 3
const FUNCTION = 'arn:aws:lambda:eu-west-3:123456789012:function:echo'
const FAKE = fileURLToPath(new URL('../test/support/fake-lambda-main.ts', import.meta.url))

export interface TransformRun {
  readonly recordsPerSecond: number
  /** Of this process, which calls. */
  readonly cpuSecondsPerMillion: number
}

export async function benchTransform(): Promise<readonly TransformRun[]> {
  const fake = spawn(process.execPath, ['--import', 'tsx', FAKE], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(fake.stdout, 'data')) as [Buffer]
    const { endpoint } = JSON.parse(line.toString()) as { readonly endpoint: string }
    const runs: TransformRun[] = []
    for (let run = 0; run < RUNS; run += 1) runs.push(await transformOnce(endpoint))
    return runs
  } finally {
    fake.kill('SIGTERM')
    await once(fake, 'exit')
  }
}

async function transformOnce(endpoint: string): Promise<TransformRun> {
  const input = inputOf(orderFrames(false), eightColumns)
  const stream = { ...deliveryStream, ...input.batch.stream }
  const stage = createTransform({
    registry: { get: () => Promise.resolve(stream) },
    callsPerBatch: 5,
    lambda: { endpoint, accessKeyId: 'bench', secretAccessKey: 'bench' },
    http: { allowedUrls: [] },
    clock,
    metrics: new Metrics(),
    log: createLog('warn'),
  })
  const { batch, plan, frames, signal } = input
  const transform = transformBy({ target: { kind: 'lambda', functionArn: FUNCTION } })
  const startedMs = performance.now()
  const cpu = process.cpuUsage()
  let records = 0
  for await (const frame of stage.transform({ batch, plan, transform, frames: frames(), signal })) {
    if (frame.isDecided) throw new Error('bench transform: a record failed')
    records += frame.records
  }
  await stage.close()
  if (records !== batch.records) throw new Error(`bench transform: ${records} of ${batch.records} records`)
  const { user, system } = process.cpuUsage(cpu)
  return {
    recordsPerSecond: (records / (performance.now() - startedMs)) * 1000,
    cpuSecondsPerMillion: (user + system) / records,
  }
}

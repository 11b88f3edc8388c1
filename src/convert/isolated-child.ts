/** The process of an isolated encoder. */
import { createLog } from '../account/log.ts'
import { serveTask } from '../runtime/child-task.ts'
import { readFrames, readNumbers } from '../runtime/frames-file.ts'
import { openEngines } from './engines.ts'
import { FailureSpool } from './failure-spool.ts'
import type { EncodeAnswer, EncodeTask } from './isolated.ts'

serveTask(encode)

async function encode(task: EncodeTask): Promise<EncodeAnswer> {
  // Beside raw delivery there is one that loads everywhere.
  const engine = task.engine === 'raw' ? 'js' : task.engine
  const engines = await openEngines({ ...task, engine, log: createLog('error') })
  const encoder = await engines.encoderFor(task.plan, false)
  const encoded = await encoder.encode({
    batch: task.batch,
    plan: task.plan,
    frames: () => readFrames(task.framesPath),
    ...(task.objectOfPath === undefined ? {} : { objectOf: await readNumbers(task.objectOfPath) }),
    careful: true,
    signal: new AbortController().signal,
  })
  const failures = new FailureSpool(task.failuresPath)
  for await (const failed of encoded.failures()) await failures.add(failed)
  await failures.close()
  const { objects, rows, errors, dropped } = encoded
  // The staging folder stays: the parent puts the objects from it.
  return { objects, rows, errors, dropped, failures: failures.file }
}

/** The process of an isolated encoder: takes one task from its parent, answers, and ends. Dies with its parent. */
import { open, readFile } from 'node:fs/promises'
import { createLog } from '../account/log.ts'
import { EncoderError } from '../domain/errors.ts'
import { Frame } from '../domain/frame.ts'
import { openEngines } from './engines.ts'
import { FailureSpool } from './failure-spool.ts'
import type { ChildAnswer, ChildTask } from './isolated.ts'

process.once('disconnect', () => process.exit(1))
// A terminal or a service manager signals the whole group. The parent decides: its end, or its SIGKILL, ends this process;
// a death of its own would be taken for the batch's doing.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.once('message', (task) => {
  void run(task as ChildTask)
})

async function run(task: ChildTask): Promise<void> {
  let answer: ChildAnswer
  try {
    answer = await encode(task)
  } catch (error) {
    if (!(error instanceof EncoderError)) throw error
    const { code, message, hint } = error
    answer = { kind: 'failed', code, message, ...(hint === undefined ? {} : { hint }) }
  }
  // The staging folder stays: the parent puts the objects from it.
  process.send?.(answer, () => process.exit(0))
}

async function encode(task: ChildTask): Promise<ChildAnswer> {
  const engines = await openEngines({ ...task, log: createLog('error') })
  const encoder = await engines.encoderFor(task.plan, false)
  const encoded = await encoder.encode({
    batch: task.batch,
    plan: task.plan,
    frames: () => readFrames(task.framesPath),
    ...(task.objectOfPath === undefined ? {} : { objectOf: await readObjectOf(task.objectOfPath) }),
    careful: true,
    signal: new AbortController().signal,
  })
  const failures = new FailureSpool(task.failuresPath)
  for await (const failed of encoded.failures()) await failures.add(failed)
  await failures.close()
  const { objects, rows, errors, dropped } = encoded
  return { kind: 'encoded', objects, rows, errors, dropped, failures: failures.file }
}

async function readObjectOf(path: string): Promise<Uint32Array> {
  const { buffer, byteOffset, byteLength } = await readFile(path)
  return new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

async function* readFrames(path: string): AsyncIterable<Frame> {
  const file = await open(path, 'r')
  try {
    const length = Buffer.alloc(4)
    for (let offset = 0; (await file.read(length, 0, 4, offset)).bytesRead === 4;) {
      const buffer = Buffer.allocUnsafe(length.readUInt32LE())
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + 4)
      if (bytesRead < buffer.length) throw new Error(`read ${path}: a frame is cut off`)
      yield new Frame(buffer)
      offset += 4 + buffer.length
    }
  } finally {
    await file.close()
  }
}

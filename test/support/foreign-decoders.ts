/** Reads compressed objects with decoders that we did not write: Python's gzip and zipfile, python-snappy, and Kafka's. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import snappyCodec from 'kafkajs-snappy'
import type { Compression } from '../../src/domain/delivery-stream.ts'

/** Debian's python3-snappy is for Debian's Python, which need not be the first in the PATH. */
const PYTHONS = ['python3', '/usr/bin/python3']

const kafka = snappyCodec()

// None outlives the process of its test.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface Decoded {
  readonly bytes: Buffer
  /** What a ZIP says of the file in it. */
  readonly entry?: ZipFacts
}

export interface ZipFacts {
  readonly name: string
  /** Year, month, day, hours, minutes, seconds. */
  readonly time: readonly number[]
  readonly deflated: boolean
  readonly bytes: number
  /** Bytes of further fields. */
  readonly extra: number
}

/** One Python for many objects. Fails with a sentence that says what to install. */
export class ForeignDecoders {
  readonly #python: ChildProcess & { readonly stdin: NodeJS.WritableStream }
  readonly #answers: AsyncIterator<Buffer>
  #unread = Buffer.alloc(0)
  #last: Promise<unknown> = Promise.resolve()

  constructor() {
    const command = PYTHONS.find((python) => {
      return spawnSync(python, ['-c', 'import snappy.hadoop_snappy']).status === 0
    })
    if (command === undefined)
      throw new Error(
        'no Python here has python-snappy: run node scripts/ensure-python-snappy.mjs, which installs it or says how',
      )
    const script = fileURLToPath(new URL('foreign-decoders.py', import.meta.url))
    const python = spawn(command, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    running.add(python)
    this.#python = python
    this.#answers = python.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  async decode(compression: Compression, object: Buffer): Promise<Decoded> {
    if (compression === 'UNCOMPRESSED') return { bytes: object }
    if (compression === 'Snappy') return { bytes: await kafka.decompress(object) }
    const answer = this.#last.then(() => this.#ask(compression, object))
    this.#last = answer.catch(() => undefined)
    return answer
  }

  async close(): Promise<void> {
    this.#python.stdin.end()
    if (this.#python.exitCode === null) await once(this.#python, 'exit')
    running.delete(this.#python)
  }

  async #ask(compression: Compression, object: Buffer): Promise<Decoded> {
    this.#python.stdin.write(`${compression} ${object.length}\n`)
    this.#python.stdin.write(object)
    const [, verdict, length, told = ''] = /^(ok|error) (\d+) (.*)$/.exec(await this.#line()) ?? []
    const bytes = await this.#read(Number(length))
    if (verdict !== 'ok') throw new Error(`decode ${compression}: ${bytes.toString()}`)
    return compression === 'ZIP' ? { bytes, entry: JSON.parse(told) as ZipFacts } : { bytes }
  }

  async #line(): Promise<string> {
    let end = this.#unread.indexOf('\n')
    for (; end === -1; end = this.#unread.indexOf('\n')) await this.#more()
    const line = this.#unread.subarray(0, end).toString()
    this.#unread = this.#unread.subarray(end + 1)
    return line
  }

  async #read(length: number): Promise<Buffer> {
    while (this.#unread.length < length) await this.#more()
    const bytes = this.#unread.subarray(0, length)
    this.#unread = this.#unread.subarray(length)
    return bytes
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#answers.next()
    if (done === true) throw new Error('decode: Python has ended')
    this.#unread = Buffer.concat([this.#unread, value])
  }
}

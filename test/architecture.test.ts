/**
 * The shape of the source tree: which folder may import which, where each foreign package lives, and the limits within
 * which a file can still be read in one sitting. One list for each; whoever changes the shape changes it here.
 */
import { expect, test } from 'vitest'
import { pathsBelow, readSourceTree, type SourceFileFacts } from './support/source-tree.ts'

const LINES_A_FILE = 300
const LINES_A_FUNCTION = 60

const stages = ['receive', 'store', 'seal', 'process', 'convert', 'deliver', 'admin']
const stage = ['domain', 'runtime', 'account']

/**
 * Folders of src/ and the folders that each may import, besides itself. `app`: the files that stand beside main.ts, the
 * folder wiring, which joins the stages for them, and the folders of the commands import and preview.
 */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  main: ['app', 'config'],
  app: ['config', 'domain', 'runtime', 'account', ...stages],
  config: ['domain'],
  account: ['domain'],
  domain: [],
  runtime: ['domain'],
  ...Object.fromEntries(stages.map((name) => [name, stage])),
}

/** Each foreign package and the files or folders of src/ that may know it. */
const homes: Readonly<Record<string, readonly string[]>> = {
  '@aws-sdk/client-glue': ['convert/glue-tables.ts'],
  '@aws-sdk/client-kinesis': [
    'receive/kinesis/kinesis-client.ts',
    'receive/kinesis/kinesis-client-config.ts',
  ],
  '@aws-sdk/client-lambda': ['process/transform/lambda-functions.ts'],
  '@aws-sdk/client-s3': ['deliver/'],
  '@aws-sdk/client-sts': ['deliver/role-sessions.ts'],
  '@duckdb/node-api': ['convert/'],
  '@smithy/node-http-handler': ['receive/kinesis/kinesis-client-config.ts'],
  bullmq: ['deliver/bullmq-queue.ts'],
  commander: ['main.ts'],
  express: ['receive/http/', 'admin/'],
  ioredis: ['store/redis/', 'deliver/bullmq-queue.ts'],
  'jq-web': ['process/jq/jq-instance.ts'],
  lmdb: ['store/lmdb/'],
  'parquetjs-lite': ['convert/'],
  pino: ['account/'],
  'prom-client': ['account/'],
  snappy: ['store/frame-codec.ts', 'convert/compression/'],
  yaml: ['config/'],
  zod: ['config/'],
}

/** Names that say nothing about what is inside. */
const emptyName =
  /(^|[-_])(util|utils|helper|helpers|common|core|base|impl|misc|shared|manager|service|handler)s?([-_.]|$)/i

const tree = readSourceTree('src')

/** `src/store/redis/buffer.ts` belongs to `store`, `src/app.ts` to `app`. */
function groupOf(path: string): string {
  const [, first = '', ...rest] = path.split('/')
  if (rest.length > 0) return ['wiring', 'import', 'preview'].includes(first) ? 'app' : first
  return first === 'main.ts' ? 'main' : 'app'
}

function violations(of: (file: SourceFileFacts) => readonly string[]): string[] {
  return tree.flatMap((file) => of(file).map((what) => `${file.path} ${what}`))
}

test('stages meet only through the domain: no folder imports one that it may not', () => {
  const wrong = violations(({ path, imports }) => {
    const group = groupOf(path)
    const allowed = allowedImports[group]
    if (allowed === undefined) return [`is in a folder that is not in the list: ${group}`]
    return imports
      .filter((name) => name.startsWith('src/'))
      .filter((name) => groupOf(name) !== group && !allowed.includes(groupOf(name)))
      .map((name) => `imports ${name}`)
  })
  expect(wrong).toEqual([])
})

test('sources import nothing outside src/ but packages', () => {
  const wrong = violations(({ imports }) =>
    imports.filter((name) => /^(\.\.|test|bench|scripts|dist)\b/.test(name)).map((name) => `imports ${name}`),
  )
  expect(wrong).toEqual([])
})

test('each foreign package is known in its home only', () => {
  const wrong = violations(({ path, imports }) =>
    imports
      .filter((name) => !name.startsWith('src/') && !name.startsWith('node:'))
      .filter((name) => !homes[name]?.some((home) => path.startsWith(`src/${home}`)))
      .map((name) => `imports ${name}`),
  )
  expect(wrong).toEqual([])
})

/** What may be loaded before a process knows its configuration and its streams: each of the others takes 0.05 to 0.35 s. */
const loadedAtStart = ['commander', 'express', 'pino', 'prom-client', 'snappy', 'yaml', 'zod']

test('what only some processes use is loaded where it is used', () => {
  const loads = new Map(tree.map((file) => [file.path, file.loads]))
  const loaded = new Set(['src/main.ts', 'src/serve.ts', 'src/preview.ts'])
  for (const path of loaded) for (const name of loads.get(path) ?? []) loaded.add(name)
  const packages = [...loaded].filter((name) => !/^(?:src\/|node:)/.test(name))
  expect(packages.toSorted()).toEqual(loadedAtStart)
})

test('builtins are imported by their node: names', () => {
  const wrong = violations(({ imports }) =>
    imports.filter((name) => /^(fs|path|os|net|http|crypto|events|stream|util|zlib)$/.test(name)),
  )
  expect(wrong).toEqual([])
})

test('the environment is read in src/config only', () => {
  const wrong = tree.filter(({ readsEnvironment }) => readsEnvironment).map(({ path }) => path)
  expect(wrong.filter((path) => !path.startsWith('src/config/'))).toEqual([])
  expect(wrong).not.toEqual([])
})

test(`no file is longer than ${LINES_A_FILE} lines`, () => {
  expect(violations(({ lines }) => (lines > LINES_A_FILE ? [`has ${lines} lines`] : []))).toEqual([])
})

test(`no function is longer than ${LINES_A_FUNCTION} lines`, () => {
  const wrong = violations(({ functions }) =>
    functions
      .filter(({ lines }) => lines > LINES_A_FUNCTION)
      .map(({ name, lines }) => `${name} has ${lines} lines`),
  )
  expect(wrong).toEqual([])
})

test('every file and folder is named after what is inside', () => {
  const names = [...pathsBelow('src'), ...pathsBelow('test')]
  expect(names.filter((path) => emptyName.test(path.split('/').at(-1) ?? ''))).toEqual([])
})

test('the checks see what they look for', () => {
  const facts = readSourceTree('test/support').find(({ path }) => path.endsWith('source-tree.ts'))
  expect(facts?.imports).toContain('typescript')
  expect(facts?.functions.map(({ name }) => name)).toContain('readSourceTree')
  expect(facts?.functions.find(({ name }) => name === 'factsOf')?.lines).toBeGreaterThan(15)
  expect(tree.length).toBeGreaterThan(60)
  expect(tree.find(({ path }) => path === 'src/main.ts')?.imports).toEqual(
    expect.arrayContaining(['node:fs', 'commander', 'src/config/roles.ts', 'src/serve.ts']),
  )
})

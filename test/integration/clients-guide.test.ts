/** docs/clients.md shows the files of docs/examples/clients as they are, and those that can run here are run. */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { createInput } from '../support/api-inputs.ts'
import { call, serveApi, type ServedApi } from '../support/api-server.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'docs/examples/clients')
const page = readFileSync(join(root, 'docs/clients.md'), 'utf8')
const files = readdirSync(folder)

function textOf(file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}

let api: ServedApi
beforeEach(async () => {
  api = await serveApi()
  expect((await call(api.url, 'CreateDeliveryStream', createInput('company-orders-to-s3'))).status).toBe(200)
})
afterEach(() => api.stop())

/** What the command prints, with the environment that the page asks for. */
async function run(command: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    env: {
      ...process.env,
      AWS_ENDPOINT_URL_FIREHOSE: api.url,
      AWS_ACCESS_KEY_ID: 'any',
      AWS_SECRET_ACCESS_KEY: 'any',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    },
  })
  return stdout
}

function lacks(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status !== 0
}

test('every file stands on the page word for word, under its link', () => {
  const shown = files.filter((file) =>
    new RegExp(`\\(examples/clients/${file}\\):\\n\\n\`\`\`\\w+\\n`).test(page),
  )
  expect(shown).toEqual(files)
  expect(files.filter((file) => !page.includes(`\n${textOf(file)}\`\`\`\n`))).toEqual([])
})

test('what the page links to in this repository is there', () => {
  const links = [...page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path)
  expect(links.length).toBeGreaterThan(5)
  expect(links.filter((path) => !existsSync(join(root, 'docs', path)))).toEqual([])
  const tests = [...page.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path)
  expect(tests.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test.each(files.filter((file) => /\.(ya?ml|json)$/.test(file)))('%s can be parsed', (file) => {
  const documents = parseAllDocuments(textOf(file))
  expect(Array.isArray(documents) && documents.flatMap(({ errors }) => errors)).toEqual([])
})

test('the example for JavaScript runs', async () => {
  expect(await run(process.execPath, join(folder, 'put-records.mjs'))).toBe('500 records were taken\n')
  expect(api.store.appends.length).toBeGreaterThan(0)
})

test('the example for boto3 runs', async ({ skip }) => {
  skip(lacks('python3', '-c', 'import boto3'), 'boto3 is not installed')
  expect(await run('python3', join(folder, 'put_records.py'))).toBe('500 records were taken\n')
  expect(api.store.appends.length).toBeGreaterThan(0)
})

test('the examples for the AWS CLI run', async ({ skip }) => {
  skip(lacks('aws', '--version'), 'the AWS CLI is not installed')
  const binary = spawnSync('aws', ['--version'], { encoding: 'utf8' }).stdout.startsWith('aws-cli/2')
  skip(binary, 'version 2 of the AWS CLI takes other options')
  const printed = await run('sh', join(folder, 'put-records.sh'))
  expect(printed).toContain('"RecordId"')
  expect(printed).toContain('deliverystream/events-to-s3')
  expect(api.store.appends).toHaveLength(1)
})

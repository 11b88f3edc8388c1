#!/usr/bin/env node
/** The command line: parses, calls, prints, exits. 0 went well, 1 was refused or failed, 2 was called wrongly. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { compileQuery, readCheckedConfig } from './check.ts'
import { readEnvironment } from './config/environment.ts'
import { readConfig } from './config/file.ts'
import { withPorts } from './config/ports.ts'
import { formatProblem, type Problem } from './config/problem.ts'
import { allRoles, parseRoles, type Role } from './config/roles.ts'
import { shardsTable } from './shards-table.ts'
import { askForShards } from './shards.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Of a preview; more are counted, not listed. */
const RECORDS_LISTED = 100

interface ServeFlags {
  readonly config: string
  readonly roles: ReadonlySet<Role>
  readonly port?: number
  readonly adminPort?: number
}

interface ImportFlags {
  readonly parameter?: ReadonlyMap<string, string>
}

interface PreviewFlags {
  readonly config: string
  readonly stream: string
  readonly sample: string
  readonly base64?: true
  readonly transform?: true
  readonly limit: number
  readonly json?: true
}

interface ShardsFlags {
  readonly config: string
  readonly adminPort?: number
  readonly json?: true
}

function commandLine(finish: (exitCode: number) => void): Command {
  const program = new Command('hydrant')
    .description('A self-hosted Amazon Data Firehose.')
    .version(version, '--version', 'print the version')
    .showHelpAfterError('(hydrant --help says what there is)')
    .exitOverride()
  program
    .command('serve')
    .description('take records and deliver them until a signal asks to stop')
    .requiredOption('--config <file>', 'configuration file, YAML or JSON')
    .option('--roles <list>', `what this process does: ${allRoles.join(',')}`, roles, new Set(allRoles))
    .option('--port <number>', 'port of the Firehose API instead of server.port; 0 takes any free one', port)
    .option('--admin-port <number>', 'port of metrics and health instead of admin.port', port)
    .action(async (flags: ServeFlags) => finish(await serve(flags)))
  program
    .command('check')
    .description('read a configuration file, say everything that is wrong with it, touch nothing')
    .requiredOption('--config <file>', 'configuration file, YAML or JSON')
    .action(async (flags: { readonly config: string }) => finish(await check(flags.config)))
  program
    .command('preview')
    .description('show what a declared delivery stream would make of sample records, touch nothing')
    .requiredOption('--config <file>', 'configuration file, YAML or JSON')
    .requiredOption('--stream <name>', 'name of a delivery stream that it declares')
    .requiredOption('--sample <file>', 'a record on each line; - is standard input')
    .option('--base64', 'each line is base64 of a record')
    .option('--transform', 'call the Lambda function or URL that transforms records')
    .option('--limit <number>', 'records that are listed', wholeNumber, RECORDS_LISTED)
    .option('--json', 'print all that is known as one line of JSON')
    .action(async (flags: PreviewFlags) => finish(await previewSample(flags)))
  program
    .command('import')
    .description('print delivery streams of AWS as a part of a configuration file')
    .argument(
      '<file>',
      'what describe-delivery-stream prints, or a CloudFormation template; - is standard input',
    )
    .option(
      '--parameter <name=value>',
      'a parameter of the template, AWS::Region too; may be repeated',
      parameter,
    )
    .action(async (file: string, { parameter: given }: ImportFlags) =>
      finish(await importStreams(file, given ?? new Map<string, string>())),
    )
  program
    .command('shards')
    .description('show the shards that feed delivery streams, as a running process knows them')
    .requiredOption('--config <file>', 'configuration file of that process, YAML or JSON')
    .option('--admin-port <number>', 'its admin port instead of admin.port', port)
    .option('--json', 'print the answer as it came, with all that is known of each shard')
    .action(async (flags: ShardsFlags) => finish(await shards(flags)))
  return program
}

/** The engine and the stores are loaded only by a process that serves. */
async function serve(flags: ServeFlags): Promise<number> {
  const { serve: serveUntilStopped } = await import('./serve.ts')
  const served = await serveUntilStopped({ ...flags, version })
  return served.kind === 'stopped' ? 0 : refuse(flags.config, served.problems)
}

async function check(path: string): Promise<number> {
  const loaded = await readCheckedConfig(path, readEnvironment().variables, compileQuery)
  if (loaded.kind === 'refused') return refuse(path, loaded.problems)
  for (const stream of loaded.config.deliveryStreams) {
    process.stdout.write(`ok: delivery stream ${JSON.stringify(stream['DeliveryStreamName'])}\n`)
  }
  for (const note of loaded.notes ?? []) process.stdout.write(`note: ${formatProblem(note)}\n`)
  process.stdout.write(`ok: ${path}\n`)
  return 0
}

/** The engine is loaded only by what converts. */
async function previewSample({ config: path, stream, sample, ...flags }: PreviewFlags): Promise<number> {
  const loaded = await readCheckedConfig(path, readEnvironment().variables, compileQuery)
  if (loaded.kind === 'refused') return refuse(path, loaded.problems)
  const { preview } = await import('./preview.ts')
  const { previewJson, previewText } = await import('./preview/report.ts')
  const found = await preview({
    config: loaded.config,
    stream,
    sample: { path: sample, isBase64: flags.base64 === true },
    callsTransform: flags.transform === true,
  })
  await print(flags.json ? previewJson(found) : previewText(found, flags.limit))
  return 0
}

async function shards({ config: path, adminPort, json }: ShardsFlags): Promise<number> {
  const loaded = await readConfig(path, readEnvironment().variables)
  if (loaded.kind === 'refused') return refuse(path, loaded.problems)
  const { text, answer } = await askForShards(withPorts(loaded.config, { adminPort }).admin)
  await print(json ? `${text.trimEnd()}\n` : shardsTable(answer))
  return 0
}

/** Nothing of a template is left out in silence: one stream that cannot be declared makes it a failure. */
async function importStreams(path: string, parameters: ReadonlyMap<string, string>): Promise<number> {
  const { importFile } = await import('./import.ts')
  const { text, declared, refused } = await importFile(path, parameters)
  await print(text)
  for (const { name, reasons } of refused)
    for (const reason of reasons)
      process.stderr.write(`hydrant: delivery stream ${JSON.stringify(name)} was not imported: ${reason}\n`)
  if (refused.length > 0)
    process.stderr.write(`hydrant: ${declared.length} of ${declared.length + refused.length} were imported\n`)
  return refused.length === 0 ? 0 : 1
}

/** Resolves when all of it is written, which an exit would cut off, or when its reader has seen enough and gone. */
function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.on('error', () => resolve())
    process.stdout.write(text, () => resolve())
  })
}

function refuse(path: string, problems: readonly Problem[]): number {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  process.stderr.write(`hydrant: ${path}: ${count}\n`)
  for (const problem of problems) process.stderr.write(`  ${formatProblem(problem)}\n`)
  return 1
}

/** What stopped a start, in sentences. An error without a hint is a defect of ours and shows its stack. */
function complain(error: unknown): void {
  if (!(error instanceof Error)) process.stderr.write(`hydrant: ${String(error)}\n`)
  else if ('hint' in error) process.stderr.write(sentences(error.message, error.hint))
  else process.stderr.write(`hydrant: this is a defect: ${error.stack ?? error.message}\n`)
}

function sentences(message: string, hint: unknown): string {
  return `hydrant: ${message}\n${typeof hint === 'string' ? `hint: ${hint}\n` : ''}`
}

function roles(list: string): ReadonlySet<Role> {
  const parsed = parseRoles(list)
  if (parsed === undefined)
    throw new InvalidArgumentError(`It must name one or more of ${allRoles.join(', ')}.`)
  return parsed
}

function port(text: string): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > 65_535) throw new InvalidArgumentError('It must be from 0 to 65535.')
  return number
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function parameter(pair: string, before?: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = pair.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be NAME=VALUE.')
  return new Map([...(before ?? []), [pair.slice(0, at), pair.slice(at + 1)]])
}

let exitCode = 0
try {
  await commandLine((code) => (exitCode = code)).parseAsync()
} catch (error) {
  if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? 0 : 2
  else {
    complain(error)
    exitCode = 1
  }
}
process.exit(exitCode)

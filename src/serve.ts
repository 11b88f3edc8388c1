/**
 * The process around the app: settings in, a few lines on standard output, the log on standard error, and an end in good
 * order when a signal asks for it.
 */
import { createLog, type Log } from './account/log.ts'
import { announcement } from './announcement.ts'
import { createApp, type App } from './app.ts'
import { readCheckedConfig } from './check.ts'
import { readEnvironment, type Environment } from './config/environment.ts'
import { withPorts, type PortOverrides } from './config/ports.ts'
import { formatProblem, type Problem } from './config/problem.ts'
import { redactConfig } from './config/redact.ts'
import type { Role } from './config/roles.ts'
import type { Config } from './config/schema.ts'
import { endAtOnce } from './ending.ts'
import { HangUps } from './hang-ups.ts'
import { crashAt, neverCrash, type CrashHook } from './runtime/crash-point.ts'

export interface ServeOptions extends PortOverrides {
  readonly config: string
  readonly roles: ReadonlySet<Role>
  readonly version: string
}

export type Served =
  { readonly kind: 'stopped' } | { readonly kind: 'refused'; readonly problems: readonly Problem[] }

const signals = { SIGTERM: 143, SIGINT: 130 } as const

/**
 * Serves until a signal asks it to stop; a second signal ends the process at once. SIGHUP has the configuration file read
 * again.
 *
 * @throws StartError when the app cannot start
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const hangUps = new HangUps()
  const environment = readEnvironment()
  const loaded = await readCheckedConfig(options.config, environment.variables)
  if (loaded.kind === 'refused') return loaded
  const config = withPorts(loaded.config, options)
  const log = createLog(environment.logLevel)
  const { version, roles } = options
  const app = createApp(config, { roles, log, crash: crashHook(environment) })
  endOnDefect(app, log)
  log.info(
    { version, node: process.version, roles: [...roles], config: redactConfig(config) },
    'process started',
  )
  const { asked, stopped } = stopOnSignal(app, { hangUps, log })
  await Promise.race([up(app, config, options, log).catch(unlessAsked(asked, log)), stopped])
  hangUps.reloadBy(() => reload(app, options, log))
  await stopped
  return { kind: 'stopped' }
}

async function up(app: App, config: Config, { version, roles }: ServeOptions, log: Log): Promise<void> {
  const started = await app.start()
  const title = `hydrant ${version} serves ${[...roles].join(', ')}`
  process.stdout.write(announcement(title, started, config))
  log.info({ api: started.api, admin: started.admin }, 'process became ready')
}

/** A start that a stop has ended is no failure. */
function unlessAsked(asked: AbortSignal, log: Log): (error: unknown) => void {
  return (error) => {
    if (!asked.aborted) throw error
    log.info({ reason: error instanceof Error ? error.message : String(error) }, 'start was given up')
  }
}

/** Says in the log what became of it. A file that is refused changes nothing. */
async function reload(app: App, options: ServeOptions, log: Log): Promise<void> {
  const file = options.config
  try {
    const loaded = await readCheckedConfig(file, readEnvironment().variables)
    if (loaded.kind === 'refused') {
      log.error({ file, problems: loaded.problems.map(formatProblem) }, 'configuration was not reloaded')
      return
    }
    const { changed, waiting, failure: err } = await app.reload(withPorts(loaded.config, options))
    if (err === undefined) log.info({ file, changed }, 'configuration was reloaded')
    else log.error({ file, changed, err }, 'configuration was reloaded without some of its delivery streams')
    if (waiting.length > 0) log.warn({ file, waiting }, 'settings were changed that wait for a restart')
  } catch (err) {
    log.error({ file, err }, 'configuration was not reloaded')
  }
}

function crashHook({ crashAt: point }: Environment): CrashHook {
  if (point === undefined || point === '') return neverCrash
  return crashAt(point, () => process.kill(process.pid, 'SIGKILL'))
}

interface Stopping {
  /** Aborts when a signal has asked for it. */
  readonly asked: AbortSignal
  /** Resolves when the app has stopped. */
  readonly stopped: Promise<void>
}

/** Has signals stop the app, also while it is starting. */
function stopOnSignal(
  app: App,
  { hangUps, log }: { readonly hangUps: HangUps; readonly log: Log },
): Stopping {
  const asked = new AbortController()
  const stopped = new Promise<void>((resolve, reject) => {
    for (const [signal, exitCode] of Object.entries(signals)) {
      process.on(signal, () => {
        if (asked.signal.aborted) return endAtOnce(app, exitCode)
        asked.abort()
        log.info({ signal }, 'process was asked to stop')
        hangUps
          .stop()
          .then(() => app.stop())
          .then(() => {
            log.info('process stopped')
            hangUps.endWithTerminal()
            resolve()
          }, reject)
      })
    }
  })
  return { asked: asked.signal, stopped }
}

/**
 * A defect ends the process. Warnings of Node and of packages go to the log, so that standard error holds nothing but its
 * lines.
 */
function endOnDefect(app: App, log: Log): void {
  const end = (err: unknown): void => {
    log.error({ err }, 'process failed')
    endAtOnce(app, 1)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
  process.removeAllListeners('warning')
  process.on('warning', (err) => log.warn({ err }, 'runtime warned'))
  process.stdout.on('error', (err) => log.warn({ err }, 'standard output was closed'))
}

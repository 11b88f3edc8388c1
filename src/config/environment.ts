/** What the process environment says; nothing else reads it. */
import { StartError } from '../domain/errors.ts'
import type { Variables } from './variables.ts'

const logLevels = ['error', 'warn', 'info', 'debug', 'silent'] as const
type LogLevel = (typeof logLevels)[number]

export interface Environment {
  /** HYDRANT_LOG_LEVEL. */
  readonly logLevel: LogLevel
  /** HYDRANT_CRASH_AT: the point at which the process kills itself, for tests of crashes. */
  readonly crashAt: string | undefined
  /** What `${NAME}` in a configuration file stands for. */
  readonly variables: Variables
}

/** @throws StartError for a level that there is not */
export function readEnvironment(variables: Variables = process.env): Environment {
  const wanted = variables['HYDRANT_LOG_LEVEL'] ?? 'info'
  const logLevel = logLevels.find((level) => level === wanted)
  if (logLevel === undefined) {
    throw new StartError(`read HYDRANT_LOG_LEVEL: there is no level ${JSON.stringify(wanted)}`, {
      hint: `set it to ${logLevels.join(', ')}, or leave it out for info`,
    })
  }
  return { logLevel, crashAt: variables['HYDRANT_CRASH_AT'], variables }
}

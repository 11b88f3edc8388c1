/** Ports given on the command line take the place of those in the file. */
import type { Config } from './schema.ts'

export interface PortOverrides {
  readonly port?: number | undefined
  readonly adminPort?: number | undefined
}

export function withPorts(config: Config, { port, adminPort }: PortOverrides): Config {
  return Object.freeze({
    ...config,
    server: Object.freeze({ ...config.server, port: port ?? config.server.port }),
    admin: Object.freeze({ ...config.admin, port: adminPort ?? config.admin.port }),
  })
}

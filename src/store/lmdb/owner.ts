/**
 * One process owns the folder. The owner listens on a socket of its own in the folder and writes the socket's address into
 * the database by compare-and-swap; whoever finds an owner there connects to it. A socket dies with its process, so after a
 * kill -9 the next process is let in at once, and two that start together cannot both be: the swap of one of them fails.
 * Addresses are never used twice.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { StartError } from '../../domain/errors.ts'

export interface Owner {
  /** File name of the socket in the folder. */
  readonly address: string
  readonly pid: number
}

/** Where the owner is written down. `replace` answers false when it is not `expected` any more. */
export interface OwnerRecord {
  readonly path: string
  readonly owner: Owner | undefined
  replaceOwner(expected: Owner | undefined, owner: Owner): boolean
}

/** Longest socket path that every system takes, with its NUL. */
const SOCKET_PATH_BYTES_MAX = 103

/** Resolves to the function that gives the folder up. Throws StartError when another process owns it. */
export async function ownFolder(record: OwnerRecord): Promise<() => Promise<void>> {
  const owner = { address: `owner-${randomBytes(8).toString('hex')}.sock`, pid: process.pid }
  const server = createServer((socket) => socket.destroy())
  await withSocketPath(record.path, owner.address, (path) => listen(server, path))
  server.unref()
  try {
    for (;;) {
      const found = record.owner
      if (found !== undefined && (await isAlive(record.path, found))) {
        throw new StartError(`open buffer ${record.path}: process ${found.pid} is using it`, {
          hint: 'stop that process, give this one another buffer.path, or use buffer.type redis to share a buffer',
        })
      }
      if (record.replaceOwner(found, owner)) {
        if (found !== undefined) rmSync(join(record.path, found.address), { force: true })
        break
      }
    }
  } catch (error) {
    await close(server)
    throw error
  }
  return async () => {
    await close(server)
    rmSync(join(record.path, owner.address), { force: true })
  }
}

function isAlive(folder: string, owner: Owner): Promise<boolean> {
  return withSocketPath(
    folder,
    owner.address,
    (path) =>
      new Promise<boolean>((resolve, reject) => {
        const socket = connect(path)
        socket.once('connect', () => {
          socket.destroy()
          resolve(true)
        })
        socket.once('error', (error: NodeJS.ErrnoException) => {
          if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
          else {
            reject(
              new StartError(`open buffer ${folder}: process ${owner.pid} may be using it (${error.code})`, {
                cause: error,
                hint: 'run as the user that owns the folder of buffer.path',
              }),
            )
          }
        })
      }),
  )
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new StartError(`open buffer: no socket at ${path}: ${error.message}`, {
          cause: error,
          hint: 'buffer.path must be on a local disk that takes unix sockets',
        }),
      ),
    )
    server.listen(path, resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)))
  })
}

/** Calls `use` with a path of the socket that is short enough for the system. */
async function withSocketPath<T>(
  folder: string,
  address: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  if (process.platform === 'win32') return use(`\\\\.\\pipe\\hydrant-${address}`)
  const path = join(folder, address)
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return use(path)
  if (process.platform !== 'linux') {
    throw new StartError(`open buffer ${folder}: the path is too long for a socket in it`, {
      hint: 'choose a buffer.path of less than 70 bytes',
    })
  }
  const descriptor = openSync(folder, 'r')
  try {
    return await use(`/proc/self/fd/${descriptor}/${address}`)
  } finally {
    closeSync(descriptor)
  }
}

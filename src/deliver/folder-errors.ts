/** What can go wrong with a folder of objects: one table, every row retried, since disks are emptied and rights are given. */
import { DestinationError } from '../domain/errors.ts'

interface Row {
  readonly code: string
  readonly errors: readonly string[]
  readonly says: string
  readonly hint: string
}

export const folderFailures = [
  {
    code: 'StorageFull',
    errors: ['ENOSPC', 'EDQUOT'],
    says: 'the disk is full',
    hint: 'make room on the disk that holds objectStore.root, or raise the quota',
  },
  {
    code: 'AccessDenied',
    errors: ['EACCES', 'EPERM'],
    says: 'access denied',
    hint: 'let the user of this process write below objectStore.root',
  },
  {
    code: 'ReadOnly',
    errors: ['EROFS'],
    says: 'the file system is read-only',
    hint: 'mount it writable, or set objectStore.root to another place; a disk with errors turns read-only by itself',
  },
  {
    code: 'DiskError',
    errors: ['EIO', 'ENXIO', 'ESTALE', 'ETIMEDOUT'],
    says: 'the disk failed',
    hint: 'look at the disk, or at the server of a network file system',
  },
  {
    code: 'TooManyOpenFiles',
    errors: ['EMFILE', 'ENFILE'],
    says: 'too many open files',
    hint: 'raise the limit of open files (ulimit -n)',
  },
  {
    code: 'KeyTooLong',
    errors: ['ENAMETOOLONG'],
    says: 'the path is too long',
    hint: 'shorten Prefix and ErrorOutputPrefix, or the path of objectStore.root',
  },
  {
    code: 'InTheWay',
    errors: ['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY', 'ELOOP'],
    says: 'something else is in the way',
    hint: 'objectStore.root may hold only what this program writes',
  },
  {
    code: 'Removed',
    errors: ['ENOENT'],
    says: 'a folder or file went away meanwhile',
    hint: 'let nobody remove folders below objectStore.root while objects are delivered; it will be tried again',
  },
] as const satisfies readonly Row[]

/** @param aborted the caller gave up, whatever the error says */
export function folderError(cause: unknown, doing: string, aborted: boolean): DestinationError {
  if (aborted) {
    return new DestinationError(`${doing}: given up before it was done`, {
      cause,
      code: 'Aborted',
      retryable: true,
      hint: 'the attempt ran out of time or the process is stopping; the same object will be put again',
    })
  }
  const rows: readonly Row[] = folderFailures
  const own: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined
  const row = rows.find(({ errors }) => typeof own === 'string' && errors.includes(own))
  return new DestinationError(`${doing}: ${row?.says ?? 'failed'}`, {
    cause,
    code: row?.code ?? 'Unknown',
    retryable: true,
    ...(row === undefined ? {} : { hint: row.hint }),
  })
}

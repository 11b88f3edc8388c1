import { ClientError } from '../../src/domain/errors.ts'

/** What a caller is refused with, as `Type: message`; `nothing` if the work is done. */
export function refusalOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof ClientError) return `${error.type}: ${error.message}`
    throw error
  }
  return 'nothing'
}

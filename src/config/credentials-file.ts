/** The file that `auth.credentialsFile` names: a YAML list of credentials, as `auth.credentials` has them. */
import { readFile } from 'node:fs/promises'
import { StartError } from '../domain/errors.ts'
import { credentials, type Credentials } from './auth.ts'
import { parseConfigDocument } from './document.ts'
import { parseSettings } from './file.ts'
import { formatProblem, type Problem } from './problem.ts'
import type { Variables } from './variables.ts'

const atLeastOne = credentials.min(1, 'must name at least one credential')

/**
 * @param taken access key ids that are good already, and must not be in the file as well
 * @throws StartError with all that is wrong; no message holds a value of the file but access key ids
 */
export async function readCredentialsFile(
  path: string,
  taken: ReadonlySet<string>,
  variables: Variables = process.env,
): Promise<Readonly<Credentials>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new StartError(
      `read credentials ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: 'auth.credentialsFile must name a file that this user may read',
      },
    )
  }
  const parsed = parseSettings(parseConfigDocument(text, variables), atLeastOne)
  if (parsed.kind === 'refused') throw refusal(path, parsed.problems)
  const twice = parsed.settings.flatMap(({ accessKeyId }, index) =>
    taken.has(accessKeyId)
      ? [
          {
            path: [index, 'accessKeyId'],
            message: `access key "${accessKeyId}" is in auth.credentials as well`,
          },
        ]
      : [],
  )
  if (twice.length > 0) throw refusal(path, twice)
  return parsed.settings
}

function refusal(path: string, problems: readonly Problem[]): StartError {
  return new StartError(`read credentials ${path}: ${problems.map(formatProblem).join('; ')}`, {
    hint: 'the file holds a list, as auth.credentials does: - { accessKeyId: …, secretAccessKey: … }',
  })
}

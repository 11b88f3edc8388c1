/** Something wrong in a configuration file. All of them are reported at once. */
export interface Problem {
  /** Empty for the file itself. */
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly line?: number
}

/** `server.port (line 3): must be a whole number from 0 to 65535` */
export function formatProblem({ path, message, line }: Problem): string {
  const name = formatPath(path)
  const at = line === undefined ? '' : ` (line ${line})`
  if (name === '') return line === undefined ? message : `line ${line}: ${message}`
  return `${name}${at}: ${message}`
}

function formatPath(path: Problem['path']): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const name = /^[\w-]+$/.test(part) ? part : JSON.stringify(part)
    return text === '' ? name : `${text}.${name}`
  }, '')
}

/**
 * Environment variables in values: `${NAME}`, and `${NAME:-default}` where it may be unset or empty. `$${` stands for a
 * literal `${`. What is put in is text and is not searched again.
 */
export type Variables = Readonly<Record<string, string | undefined>>

export interface Expanded {
  readonly text: string
  readonly problems: readonly string[]
}

const expression = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g

export function expandVariables(value: string, variables: Variables): Expanded {
  const problems: string[] = []
  const text = value.replaceAll(expression, (found, name?: string, fallback?: string) => {
    if (found === '$${') return '${'
    if (name === undefined) {
      problems.push('holds "${" without a variable; write ${NAME}, ${NAME:-default}, or $${ for a literal ${')
      return found
    }
    const set = variables[name]
    if (fallback !== undefined) return set === undefined || set === '' ? fallback : set
    if (set === undefined) {
      problems.push(`environment variable ${name} is not set; set it or write \${${name}:-default}`)
    }
    return set ?? ''
  })
  return { text, problems }
}

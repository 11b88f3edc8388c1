/** Formats moments in UTC as C's strftime does, with the directives that a key's quick form has. */

const two = (value: number): string => String(value).padStart(2, '0')

const DIRECTIVES: Readonly<Record<string, (date: Date) => string>> = {
  '%Y': (date) => String(date.getUTCFullYear()),
  '%m': (date) => two(date.getUTCMonth() + 1),
  '%d': (date) => two(date.getUTCDate()),
  '%H': (date) => two(date.getUTCHours()),
  '%M': (date) => two(date.getUTCMinutes()),
  '%S': (date) => two(date.getUTCSeconds()),
}

/** Takes epoch seconds from 1970 on. */
export function utcFormat(format: string): (seconds: number) => string {
  return (seconds) => {
    const date = new Date(1_000 * seconds)
    return format.replace(/%[YmdHMS]/g, (directive) => DIRECTIVES[directive]?.(date) ?? directive)
  }
}

/** A whole number of these seconds passes between two moments of other texts. */
export function secondsTold(format: string): number {
  if (format.includes('%S')) return 1
  if (format.includes('%M')) return 60
  return format.includes('%H') ? 3_600 : 86_400
}

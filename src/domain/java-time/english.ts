/** The English of java.time's text fields, each list in the order of the field's values, which count from 1. */
interface Names {
  readonly short: readonly string[]
  readonly full: readonly string[]
  readonly narrow: readonly string[]
}

export const MONTHS = named(
  'January February March April May June July August September October November December',
)
/** Weeks begin on Sunday. */
export const WEEKDAYS = named('Sunday Monday Tuesday Wednesday Thursday Friday Saturday')

export const QUARTERS: Names = {
  short: ['Q1', 'Q2', 'Q3', 'Q4'],
  full: ['1st quarter', '2nd quarter', '3rd quarter', '4th quarter'],
  narrow: ['1', '2', '3', '4'],
}

export const ERAS: Names = { short: ['BC', 'AD'], full: ['Before Christ', 'Anno Domini'], narrow: ['B', 'A'] }

export const HALVES_OF_DAY = ['AM', 'PM']

const SPANS = ['in the morning', 'in the afternoon', 'in the evening', 'at night']
/** The minutes of midnight and noon have names of their own. */
export const DAY_PERIODS = { full: ['midnight', 'noon', ...SPANS], narrow: ['mi', 'n', ...SPANS] }

function named(names: string): Names {
  const full = names.split(' ')
  return { full, short: full.map((name) => name.slice(0, 3)), narrow: full.map((name) => name.slice(0, 1)) }
}

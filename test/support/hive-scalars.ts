/** The scalar types of the reference interpreter: from text to the plain form of a value. Exact by whole numbers alone. */

export type TimestampRules = { readonly digits: 3 | 6; readonly formats: readonly string[] | undefined }

/** The plain form, or undefined when the type does not hold what the text says. @param type in Hive's words */
export function scalarFrom(type: string, text: string, timestamps: TimestampRules): string | undefined {
  const [word = '', first = '10', second = '0'] = type.split(/[(,)]/)
  switch (word) {
    case 'tinyint':
      return integer(text, 8)
    case 'smallint':
      return integer(text, 16)
    case 'int':
      return integer(text, 32)
    case 'bigint':
      return integer(text, 64)
    case 'boolean':
      return /^(true|false)$/i.test(text) ? text.toLowerCase() : undefined
    case 'double':
      return floating(text, Number)
    case 'float':
      return floating(text, nearestFloat)
    case 'decimal':
      return decimal(text, Number(first), Number(second))
    case 'string':
      return JSON.stringify(text)
    case 'varchar':
      return JSON.stringify(Array.from(text).slice(0, Number(first)).join(''))
    case 'char': {
      const characters = Array.from(text).slice(0, Number(first))
      return JSON.stringify(characters.join('') + ' '.repeat(Number(first) - characters.length))
    }
    case 'binary':
      return `"${Buffer.from(text).toString('base64')}"`
    case 'date':
      return date(text)
    case 'timestamp':
      return timestamp(text, timestamps)
    default:
      throw new Error(`no type ${type}`)
  }
}

function integer(text: string, bits: number): string | undefined {
  const [, digits] = /^\+?(-?[0-9]+)([.]0+)?$/.exec(text) ?? []
  if (digits === undefined || text.startsWith('+-')) return undefined
  const value = BigInt(digits)
  return value === BigInt.asIntN(bits, value) ? String(value) : undefined
}

const NUMBER = /^([+-]?)([0-9]*)(?:[.]([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/

/** value = unscaled / 10^scale */
function rational(text: string): { readonly unscaled: bigint; readonly scale: number } | undefined {
  const [whole, sign, left = '', right = '', exponent = '0'] = NUMBER.exec(text) ?? []
  if (whole === undefined || left + right === '') return undefined
  const unscaled = BigInt(left + right)
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale: right.length - Number(exponent) }
}

function floating(text: string, nearest: (text: string) => number): string | undefined {
  if (text === 'NaN') return '"NaN"'
  if (/^[+-]?Infinity$/.test(text)) return text.startsWith('-') ? '"-Infinity"' : '"Infinity"'
  if (rational(text) === undefined) return undefined
  const value = nearest(text)
  if (!Number.isFinite(value)) return undefined
  return Object.is(value, -0) ? '-0.0' : String(value)
}

/** Of a float and its neighbours the one that is nearest to the text; of two the one whose last bit is 0. */
function nearestFloat(text: string): number {
  const { unscaled, scale } = rational(text) ?? { unscaled: 0n, scale: 0 }
  const rough = Math.fround(Number(text))
  if (Math.abs(scale) > 500 || rough === 0) return rough
  const view = new DataView(new ArrayBuffer(4))
  view.setFloat32(0, Math.abs(rough))
  const bits = Math.min(view.getUint32(0), 0x7f800000)
  const candidates = [bits - 1, bits, bits + 1].filter((each) => each >= 0 && each <= 0x7f800000)
  const size = unscaled < 0n ? -unscaled : unscaled
  const distance = (each: number): bigint => {
    // As 2^149 times the value; infinity stands where the next float would.
    const mantissa = BigInt(each & 0x7fffff) | (each < 0x800000 ? 0n : 0x800000n)
    const float = mantissa << BigInt(Math.max((each >>> 23) - 1, 0))
    const exact = size * 2n ** 149n * 10n ** BigInt(Math.max(-scale, 0))
    const difference = float * 10n ** BigInt(Math.max(scale, 0)) - exact
    return difference < 0n ? -difference : difference
  }
  const best = candidates.reduce((a, b) => {
    if (distance(a) !== distance(b)) return distance(a) < distance(b) ? a : b
    return a % 2 === 0 ? a : b
  })
  view.setUint32(0, best)
  return text.startsWith('-') ? -view.getFloat32(0) : view.getFloat32(0)
}

function decimal(text: string, precision: number, scale: number): string | undefined {
  const value = /[eE][+-]?[0-9]{4}/.test(text) ? undefined : rational(text)
  if (value === undefined) return undefined
  const size = value.unscaled < 0n ? -value.unscaled : value.unscaled
  const shift = scale - value.scale
  const twice = shift >= 0 ? 2n * size * 10n ** BigInt(shift) : (2n * size) / 10n ** BigInt(-shift)
  const rounded = (twice + 1n) / 2n
  if (rounded >= 10n ** BigInt(precision)) return undefined
  const digits = String(rounded).padStart(scale + 1, '0')
  const point = digits.length - scale
  const sign = value.unscaled < 0n && rounded > 0n ? '-' : ''
  return `"${sign}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}"`
}

function isDay(year: number, month: number, day: number): boolean {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
  return year >= 1 && day >= 1 && day <= days
}

const pad = (value: string | number, width: number): string => String(value).padStart(width, '0')

function date(text: string): string | undefined {
  const [, year, month, day] = /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$/.exec(text) ?? []
  if (!isDay(Number(year), Number(month), Number(day))) return undefined
  return `"${year}-${pad(month ?? '', 2)}-${pad(day ?? '', 2)}"`
}

const CLOCK = '([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:[.]([0-9]{1,9}))?'
const ISO = new RegExp(`^([0-9]{4})-([0-9]{2})-([0-9]{2})T${CLOCK}Z$`)
const SQL = new RegExp(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2}) ${CLOCK}$`)

function timestamp(text: string, { digits, formats }: TimestampRules): string | undefined {
  for (const format of formats ?? []) {
    const ms = byFormat(text, format)
    // Some years are none that a Date has, and hundreds of digits no number: too late both.
    if (ms !== undefined) return Number.isFinite(ms) ? moment(BigInt(ms) * 1_000_000n, digits) : undefined
  }
  const fields = (formats === undefined ? ISO.exec(text) : null) ?? SQL.exec(text)
  if (fields !== null) {
    const [, year, month, day, hour, minute, second, fraction = ''] = fields
    if (!isDay(Number(year), Number(month), Number(day))) return undefined
    const start = `${year}-${pad(month ?? '', 2)}-${pad(day ?? '', 2)}T${hour}:${minute}:${second}`
    return `"${start}.${fraction.padEnd(9, '0').slice(0, digits)}Z"`
  }
  if (formats !== undefined || !/^[+-]?[0-9]+([.][0-9]+)?$/.test(text)) return undefined
  return byNumber(text, digits)
}

/** Seconds below 10^12, milliseconds else; down to the last digit that is kept. */
function byNumber(text: string, digits: 3 | 6): string | undefined {
  const { unscaled, scale } = rational(text) ?? { unscaled: 0n, scale: 0 }
  const whole = unscaled / 10n ** BigInt(scale)
  const isSeconds = whole < 10n ** 12n && whole > -(10n ** 12n)
  const nanos = unscaled * (isSeconds ? 10n ** 9n : 10n ** 6n)
  return moment(floored(nanos, 10n ** BigInt(scale)), digits)
}

function floored(dividend: bigint, divisor: bigint): bigint {
  const rest = ((dividend % divisor) + divisor) % divisor
  return (dividend - rest) / divisor
}

function moment(nanos: bigint, digits: 3 | 6): string | undefined {
  const kept = floored(nanos, 10n ** BigInt(9 - digits))
  const perSecond = 10n ** BigInt(digits)
  const seconds = floored(kept, perSecond)
  if (seconds < -62_135_596_800n || seconds > 253_402_300_799n) return undefined
  const start = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `"${start}.${pad(String(kept - seconds * perSecond), digits)}Z"`
}

/** Of patterns only those of y, M, d, H, m and s between what is no letter. */
function byFormat(text: string, format: string): number | undefined {
  if (format === 'millis') return /^-?[0-9]+([.][0-9]+)?$/.test(text) ? Number(text.split('.')[0]) : undefined
  const letters: string[] = []
  const pattern = format.replace(/([yMdHms])\1*|[^yMdHms]/g, (run: string, letter: string | undefined) => {
    if (letter === undefined) return `[${run}]`
    letters.push(letter)
    return letter === 'y' ? '([+-]?[0-9]{1,9})' : '([0-9]{1,2})'
  })
  const found = new RegExp(`^${pattern}$`).exec(text)
  if (found === null) return undefined
  const of = (letter: string, missing: number): number => {
    const index = letters.indexOf(letter)
    return index < 0 ? missing : Number(found[index + 1])
  }
  const [year, month, day, hour, minute, second] = [
    of('y', 1970),
    of('M', 1),
    of('d', 1),
    of('H', 0),
    of('m', 0),
    of('s', 0),
  ]
  // The first and the last year of Joda-Time.
  if (year < -292_275_054 || year > 292_278_993) return undefined
  if (!isDay(2000 + (year % 400), month, day) || hour > 23 || minute > 59 || second > 59) return undefined
  return new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * 1000
}

/** The other form of bytes: what is neither a quote, a backslash nor printable ASCII is `\\x` and two digits. */
export function escapedBytes(base64: string): string {
  const characters = Array.from(Buffer.from(base64.slice(1, -1), 'base64'), (byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
    return isPlain ? String.fromCharCode(byte) : `\\\\x${byte.toString(16).padStart(2, '0')}`
  })
  return `"${characters.join('')}"`
}

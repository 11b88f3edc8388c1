/** A decimal number taken apart without losing a digit. */

export interface DecimalParts {
  readonly negative: boolean
  /** Without leading zeros. */
  readonly digits: string
  /** The value is digits times 10^exponent. */
  readonly exponent: number
}

const DECIMAL = /^([+-]?)([0-9]*)(?:[.]([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/

export function decimalParts(text: string): DecimalParts {
  const [, sign, whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? []
  return {
    negative: sign === '-',
    digits: (whole + fraction).replace(/^0+/, ''),
    exponent: Number(exponent) - fraction.length,
  }
}

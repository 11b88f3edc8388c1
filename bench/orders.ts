/** Synthetic orders of about 190 bytes of JSON, the same ones for a seed. */
import type { Column } from '../src/domain/delivery-stream.ts'

/** The quick start's columns, and all that an order has. */
export const twoColumns: readonly Column[] = [
  { name: 'order_id', type: 'string' },
  { name: 'amount', type: 'double' },
]
export const eightColumns: readonly Column[] = [
  ...twoColumns,
  { name: 'customer_id', type: 'string' },
  { name: 'quantity', type: 'int' },
  { name: 'currency', type: 'string' },
  { name: 'created', type: 'timestamp' },
  { name: 'gift', type: 'boolean' },
  { name: 'note', type: 'string' },
]

/** A small generator of numbers in [0, 1) (mulberry32), so that runs compare. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** One order. */
export function order(sequence: number, random: () => number): string {
  const id = `ord-${sequence.toString(36).padStart(8, '0')}-${Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')}`
  return JSON.stringify({
    order_id: id,
    customer_id: `c-${String(Math.floor(random() * 1e6)).padStart(6, '0')}`,
    amount: Math.round(random() * 100_000) / 100,
    quantity: 1 + Math.floor(random() * 9),
    currency: random() < 0.7 ? 'EUR' : 'USD',
    created: new Date(Date.UTC(2026, 10, 2) + Math.floor(random() * 86_400_000)).toISOString(),
    gift: random() < 0.1,
    note: random() < 0.5 ? 'leave it at the back door' : 'ring the bell twice, wait',
  })
}

/** An order that no engine can convert: cut short or of a wrong type, by turns. */
export function badOrder(sequence: number, random: () => number): string {
  const text = order(sequence, random)
  return sequence % 2 === 0 ? text.slice(0, -3) : text.replace(/"amount":[0-9.]+/, '"amount":"abc"')
}

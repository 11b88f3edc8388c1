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

/** Some of them, a struct of five, an array of three and a map of three. */
export const nestedColumns: readonly Column[] = [
  { name: 'order_id', type: 'string' },
  { name: 'amount', type: 'double' },
  { name: 'created', type: 'timestamp' },
  { name: 'gift', type: 'boolean' },
  { name: 'customer', type: 'struct<id:bigint,name:string,vip:boolean,score:double,since:date>' },
  { name: 'quantities', type: 'array<int>' },
  { name: 'attributes', type: 'map<string,string>' },
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

const whole = (random: () => number, below: number): number => Math.floor(random() * below)

/** An order with nested values, of about 270 bytes. */
export function nestedOrder(sequence: number, random: () => number): string {
  const { order_id, amount, created, gift } = JSON.parse(order(sequence, random)) as Record<string, unknown>
  return JSON.stringify({
    order_id,
    amount,
    created,
    gift,
    customer: {
      id: whole(random, 1e6),
      name: `customer ${whole(random, 1e4)}`,
      vip: random() < 0.2,
      score: whole(random, 1000) / 10,
      since: new Date(Date.UTC(2010, 0, 1) + whole(random, 5e11)).toISOString().slice(0, 10),
    },
    quantities: [1 + whole(random, 9), 1 + whole(random, 9), 1 + whole(random, 9)],
    attributes: {
      color: ['red', 'green', 'blue'][whole(random, 3)],
      size: ['S', 'M', 'L', 'XL'][whole(random, 4)],
      channel: random() < 0.5 ? 'web' : 'shop',
    },
  })
}

/** The same order in a record that is not one clean line, by turns: with newlines in it, with a CR, with a second order. */
export function oddOrder(sequence: number, text: string): string {
  if (sequence % 3 === 0) return text.replaceAll(',"', ',\n  "')
  return sequence % 3 === 1 ? `${text}\r\n` : text + text
}

/** An order that no engine can convert: cut short or of a wrong type, by turns. */
export function badOrder(sequence: number, text: string): string {
  return sequence % 2 === 0 ? text.slice(0, -3) : text.replace(/"amount":[0-9.]+/, '"amount":"abc"')
}

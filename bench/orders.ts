/** Synthetic orders of about 190 bytes of JSON, the same ones for a seed. */

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

/** One order. Its columns: order_id string, customer_id string, amount double, quantity int, currency string, created timestamp, gift boolean, note string. */
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

/** A record that no engine can convert. */
export function badOrder(sequence: number): string {
  return `{"order_id":"bad-${sequence}","amount":"not a number","quantity":1,"currency":"EUR","note":"${'x'.repeat(100)}"}`
}

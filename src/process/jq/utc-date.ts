/**
 * A Date in whose zone it is always UTC. jq-web reads times (`strptime`) by way of the local time of the machine, so that an
 * hour that its zone leaves out in spring would be another one there, and a record's key another in another process.
 */
export class UtcDate extends Date {
  constructor(...given: readonly number[] | readonly [string | Date]) {
    if (given.length < 2) super(...(given as [number]))
    else super(Date.UTC(...(given as [number, number])))
  }

  override getFullYear(): number {
    return this.getUTCFullYear()
  }
  override getMonth(): number {
    return this.getUTCMonth()
  }
  override getDate(): number {
    return this.getUTCDate()
  }
  override getDay(): number {
    return this.getUTCDay()
  }
  override getHours(): number {
    return this.getUTCHours()
  }
  override getMinutes(): number {
    return this.getUTCMinutes()
  }
  override getSeconds(): number {
    return this.getUTCSeconds()
  }

  override setFullYear(...year: [number]): number {
    return this.setUTCFullYear(...year)
  }
  override setMonth(...month: [number]): number {
    return this.setUTCMonth(...month)
  }
  override setDate(day: number): number {
    return this.setUTCDate(day)
  }
}

/**
 * The order of a batch's records by their objects, those of one object as they came: a counting sort of ordinals. Eight bytes
 * a record and four an object, whatever the records are.
 */
export class ObjectOrder {
  /** One above the largest index of an object. */
  readonly objects: number
  /** Ordinals in order of their objects. */
  readonly #ordinals: Uint32Array
  /** Where each object's begin, and after the last where they end. */
  readonly #starts: Uint32Array

  constructor(objectOf: Uint32Array) {
    let objects = 0
    for (const object of objectOf) if (object >= objects) objects = object + 1
    const starts = new Uint32Array(objects + 1)
    for (const object of objectOf) starts[object + 1] = (starts[object + 1] ?? 0) + 1
    for (let object = 0; object < objects; object += 1)
      starts[object + 1] = (starts[object + 1] ?? 0) + (starts[object] ?? 0)
    const next = starts.slice(0, objects)
    const ordinals = new Uint32Array(objectOf.length)
    for (let ordinal = 0; ordinal < objectOf.length; ordinal += 1) {
      const object = objectOf[ordinal] ?? 0
      const place = next[object] ?? 0
      ordinals[place] = ordinal
      next[object] = place + 1
    }
    this.objects = objects
    this.#ordinals = ordinals
    this.#starts = starts
  }

  /** The place of an object's first record; of the index after the last one, where all end. */
  start(object: number): number {
    return this.#starts[object] ?? this.#ordinals.length
  }

  /** The ordinal of the record at this place. */
  ordinal(place: number): number {
    return this.#ordinals[place] ?? Infinity
  }
}

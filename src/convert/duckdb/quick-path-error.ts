/** The quick path does not do for a batch, which says nothing of its records: it is converted again, every record exactly. */
export class QuickPathError extends Error {
  override readonly name = 'QuickPathError'
}

/** Finds the name that somebody probably meant. */

/** The nearest of `names`, if it is near enough to be a slip of the hand: a third of its letters, or the same word in other case. */
export function nearestName(wrong: string, names: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Infinity
  for (const name of names) {
    const distance = editDistance(plain(wrong), plain(name))
    if (distance < least) [nearest, least] = [name, distance]
  }
  return nearest !== undefined && least <= Math.max(1, Math.floor(nearest.length / 3)) ? nearest : undefined
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '')
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
        swapped ? at(beforePrevious, column - 2) + 1 : Infinity,
      )
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}

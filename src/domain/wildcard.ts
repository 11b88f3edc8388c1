/**
 * Patterns as IAM writes them: `*` stands for any text, `?` for any one character. No pattern takes longer than the
 * length of the text times its own.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0
  let next = 0
  let star = -1
  let resumed = 0
  while (next < text.length) {
    if (pattern[at] === '*') {
      star = at
      resumed = next
      at += 1
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[next])) {
      at += 1
      next += 1
    } else if (star >= 0) {
      // The last star takes one more character.
      at = star + 1
      resumed += 1
      next = resumed
    } else return false
  }
  while (pattern[at] === '*') at += 1
  return at === pattern.length
}

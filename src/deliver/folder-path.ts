/**
 * Object keys as paths below a bucket's folder. A key is any text, a path is not, so some of it is percent-encoded; most
 * keys stay as they are. The rule can be undone: no two keys share a path, and `keyOfNames` gives the key back.
 *
 *     %XX       a byte that cannot stand in a name (%25 is the percent sign itself, %00 NUL, %2E a dot of `.` or `..`)
 *     %uXXXX    half a surrogate pair, which UTF-8 cannot write
 *     %         alone: the empty name between two slashes, before the first or after the last
 *     …%n       the name goes on in the next level (names have at most 255 bytes)
 *     …%p       a folder whose plain name is taken by an object (`a` and `a/b` are both keys)
 *     …%o       an object whose plain name is taken by a folder
 */

/** The 255 bytes that file systems take, less the room for two marks. */
const NAME_BYTES_MAX = 251
const CONTINUED = '%n'
const FOLDER_MARK = '%p'
const OBJECT_MARK = '%o'

/** The names of the levels below the bucket's folder, the object's own last. Never empty. */
export function namesOfKey(key: string): readonly [...folders: string[], object: string] {
  const names: string[] = []
  for (const segment of key.split('/')) names.push(...split(encodeSegment(segment)))
  return names as [...string[], string]
}

/** The name that an object or folder takes when its plain name is taken by the other. */
export function markedFolder(name: string): string {
  return name + FOLDER_MARK
}

export function markedObject(name: string): string {
  return name + OBJECT_MARK
}

/** The key that these names stand for. */
export function keyOfNames(names: readonly string[]): string {
  let key = ''
  for (const [level, name] of names.entries()) {
    key += decodeName(name)
    if (level < names.length - 1 && !name.endsWith(CONTINUED)) key += '/'
  }
  return key
}

function encodeSegment(segment: string): string {
  if (segment === '') return '%'
  // Backslashes are separators on some systems.
  return segment.replace(
    /[%\\\0]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (character) => {
      const code = character.charCodeAt(0).toString(16).toUpperCase()
      return code.length === 4 ? `%u${code}` : `%${code.padStart(2, '0')}`
    },
  )
}

/** Pieces that fit a name, each but the last marked as going on. Cuts between characters, never inside `%XX`. */
function split(encoded: string): string[] {
  const pieces: string[] = []
  let piece = ''
  let bytes = 0
  for (const [unit] of encoded.matchAll(/%u[0-9A-F]{4}|%[0-9A-F]{2}|./gsu)) {
    const more = Buffer.byteLength(unit)
    if (bytes + more > NAME_BYTES_MAX) {
      pieces.push(piece + CONTINUED)
      piece = ''
      bytes = 0
    }
    piece += unit
    bytes += more
  }
  return [...pieces, withoutDots(piece)]
}

/** A whole name of one or two dots is the folder itself, or the one above: also when it is what a long name ends in. */
function withoutDots(name: string): string {
  return name === '.' || name === '..' ? name.replaceAll('.', '%2E') : name
}

function decodeName(name: string): string {
  const plain = name.replace(/%[npo]$/, '')
  if (plain === '%') return ''
  return plain.replace(
    /%u([0-9A-F]{4})|%([0-9A-F]{2})/g,
    (_, surrogate: string | undefined, byte: string | undefined) =>
      String.fromCharCode(Number.parseInt(surrogate ?? byte ?? '', 16)),
  )
}

/**
 * Troubles that many shards have at once are told once: when the first shard of a subject has one, and when the last is
 * over.
 */

export interface Troubles {
  /** @returns true when no shard of the subject had this trouble until now */
  begin(subject: string, reason: string, shard: string): boolean
  /** The shard has none of the subject's troubles any more. @returns true when no shard has, and one had until now */
  end(subject: string, shard: string): boolean
}

export function createTroubles(): Troubles {
  /** By subject: by reason, the shards. */
  const subjects = new Map<string, Map<string, Set<string>>>()
  return {
    begin(subject, reason, shard) {
      const reasons = subjects.get(subject) ?? new Map<string, Set<string>>()
      subjects.set(subject, reasons)
      const shards = reasons.get(reason)
      if (shards === undefined) reasons.set(reason, new Set([shard]))
      else shards.add(shard)
      return shards === undefined
    },
    end(subject, shard) {
      const reasons = subjects.get(subject)
      if (reasons === undefined) return false
      for (const [reason, shards] of reasons) {
        shards.delete(shard)
        if (shards.size === 0) reasons.delete(reason)
      }
      if (reasons.size > 0) return false
      subjects.delete(subject)
      return true
    },
  }
}

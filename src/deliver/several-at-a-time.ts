/** Acts on many things, a few of them at a time. */

/**
 * Answers in the order of the items. The first failure keeps the rest from being begun; what runs is waited for, so that
 * nothing goes on behind the caller's back, and then it rejects.
 */
export async function severalAtATime<T, R>(
  items: readonly T[],
  most: number,
  act: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers: R[] = []
  const pending = items.entries()
  let failure: { readonly error: unknown } | undefined
  const turn = async (): Promise<void> => {
    for (const [index, item] of pending) {
      try {
        answers[index] = await act(item)
      } catch (error) {
        failure ??= { error }
      }
      if (failure !== undefined) return
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, turn))
  if (failure !== undefined) throw failure.error
  return answers
}

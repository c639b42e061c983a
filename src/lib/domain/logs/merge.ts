/**
 * Merges streams that are each in the order of time into one, asking each for its next item only when the last one was
 * taken. Items of one stream keep their order, also where their times do not; an item without a time follows the one before it.
 * @throws what a stream throws
 */
export async function* inOrderOfTime<T extends { time: string }>(
  streams: AsyncGenerator<T>[],
): AsyncGenerator<T> {
  /** The next item of each stream, the latest first. */
  const heads: { item: T; index: number }[] = []
  const put = (item: T, index: number) => {
    let [low, high] = [0, heads.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = heads[middle]
      if (other && isAfter(other, { item, index })) low = middle + 1
      else high = middle
    }
    heads.splice(low, 0, { item, index })
  }
  try {
    const firsts = await Promise.all(streams.map((stream) => stream.next()))
    for (const [index, first] of firsts.entries()) if (!first.done) put(first.value, index)
    for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
      yield head.item
      const next = await streams[head.index]?.next()
      if (next && !next.done) put(next.value, head.index)
    }
  } finally {
    await Promise.allSettled(streams.map((stream) => stream.return(undefined)))
  }
}

function isAfter(a: { item: { time: string }; index: number }, b: typeof a): boolean {
  const [left, right] = [sortable(a.item.time), sortable(b.item.time)]
  return left === right ? a.index > b.index : left > right
}

/** Fractions of a second come without the zeros at their end. */
function sortable(time: string): string {
  return time.endsWith('Z') ? time.slice(0, -1) : time
}

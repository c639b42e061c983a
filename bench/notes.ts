/**
 * Rows that compress like those of a clinical database: words by Zipf's law, numbers, codes, and notes of which half is
 * copied from stock sentences (of the text of real notes half is copied from earlier ones: Steinkamp et al., JAMA
 * Network Open 2022). Uniformly random words would be no text: nothing would recur beyond gzip's window of 32 kB.
 */
import { createHash } from 'node:crypto'

const VOCABULARY = 20_000
const STOCK = 5_000
const SENTENCES = 6
const SYLLABLES =
  'ta ri men co pa der li no su ver an tion es car mi pro al ter in ga lo per ob se que ro na ble ment si ous dia hem nep cor pul the ra py'.split(
    ' ',
  )

/** The same numbers at each run: mulberry32. @returns from 0 to below 1 */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Rows of (id, patient, at, kind, data, body) as COPY reads them. */
export function* noteRows(count: number, seed: number): Generator<string> {
  const random = randomNumbers(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  /** A rank by Zipf's law: the first is the most frequent. */
  const rank = (limit: number) => Math.floor(Math.exp(random() * Math.log(limit))) - 1
  const syllables = (many: number) =>
    Array.from({ length: many }, () => SYLLABLES[below(SYLLABLES.length)]).join('')
  // Frequent words are short.
  const words = Array.from({ length: VOCABULARY }, (_, index) => syllables(1 + below(index < 200 ? 2 : 4)))
  const sentence = () => `${Array.from({ length: 5 + below(10) }, () => words[rank(VOCABULARY)]).join(' ')}.`
  const stock = Array.from({ length: STOCK }, sentence)
  for (let id = 1; id <= count; id += 1) {
    const at = new Date(Date.UTC(2020, 0, 1) + id * 17_000).toISOString()
    const code = createHash('md5').update(`${seed} ${id}`).digest('hex')
    const data = `{"code": "${code}", "value": ${(random() * 100).toFixed(2)}}`
    const sentences = Array.from({ length: SENTENCES }, () =>
      random() < 0.5 ? stock[rank(STOCK)] : sentence(),
    )
    const kind = ['lab', 'visit', 'letter'][id % 3]
    yield `${id}\t${below(100_000)}\t${at}\t${kind}\t${data}\t${sentences.join(' ')}\n`
  }
}

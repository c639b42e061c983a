import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Pipeline, startPipeline } from '../../process/pipeline.ts'
import { type ClientPrograms, compressCommand } from './programs.ts'

/** Many changes are a few bytes long; each write to a program costs more than they do. */
const CHUNK = 64 * 1024

/** Packs a stream with zstd. A failure of the source is the failure of the whole. */
export function compress(
  programs: ClientPrograms,
  source: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Pick<Pipeline, 'stdout' | 'done'> {
  const zstd = startPipeline([compressCommand(programs)], signal)
  const fed = pipeline(Readable.from(chunked(source)), zstd.stdin)
  const done = Promise.allSettled([fed, zstd.done]).then((outcomes) => {
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  })
  done.catch(() => {})
  return { stdout: zstd.stdout, done }
}

async function* chunked(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = []
  let bytes = 0
  for await (const piece of source) {
    pending.push(piece)
    bytes += piece.length
    if (bytes < CHUNK) continue
    yield Buffer.concat(pending)
    pending = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(pending)
}

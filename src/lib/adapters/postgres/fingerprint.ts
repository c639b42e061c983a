import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { startPipeline } from '../../process/pipeline.ts'
import type { DatabaseConnection } from './connection.ts'
import { type ClientPrograms, schemaTextCommand } from './programs.ts'

/** Lines that differ between two dumps of the same schema: comments with versions, a random word per run. */
const NOISE = /^(--|\\(un)?restrict )/

/** SHA-256 of the schema as pg_dump writes it. @param snapshot of that moment; undefined for now */
export async function schemaFingerprint(
  programs: ClientPrograms,
  connection: DatabaseConnection,
  snapshot: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const dump = startPipeline([schemaTextCommand(programs, connection, snapshot)], signal)
  const hash = createHash('sha256')
  for await (const line of createInterface({ input: dump.stdout })) {
    if (!NOISE.test(line)) hash.update(line).update('\n')
  }
  await dump.done
  return hash.digest('hex')
}

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** The files of one sandbox. */
export function instanceFiles(folder: string) {
  const file = (name: string) => join(folder, name)
  return {
    kubeconfig: file('kubeconfig'),
    /** Private CA, server certificate and token; made once. */
    credentials: file('credentials.json'),
    settings: file('settings.json'),
    /** Where the last server listened, so that the next one listens there again. */
    server: file('server.json'),
    journal: file('journal.jsonl'),
    lock: file('lock'),
    log: file('server.log'),
  }
}

export const serverStateSchema = z.object({
  pid: z.int(),
  /** Ports on 127.0.0.1: of the API, of the API for the sandbox's own use, of the ingress. */
  port: z.int(),
  insidePort: z.int(),
  ingressPort: z.int(),
})

export type ServerState = z.infer<typeof serverStateSchema>

export const CONTEXT = 'emr-sandbox'

/** Reads a file; undefined where it is missing or unreadable. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** Reads a JSON file; undefined where it is missing, unreadable or of another form. */
export function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

/** Writes a file for its owner only; a reader sees the old or the new content, never half of it. */
export function writePrivate(folder: string, file: string, content: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, content, { mode: 0o600 })
  renameSync(draft, file)
}

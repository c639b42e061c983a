import { messageOf } from '../../errors.ts'
import { fileFault } from '../../files.ts'
import type { DeployPorts } from '../deploy/types.ts'

/**
 * Writes files of an operation's evidence. Never throws: evidence that cannot be written (a full disk, a folder of
 * another user) changes nothing about what happened.
 * @param files content by name
 * @returns what could not be written, in a line; empty where all is there
 */
export async function keepEvidence(
  { evidence }: Pick<DeployPorts, 'evidence'>,
  files: Record<string, unknown>,
): Promise<string[]> {
  try {
    for (const [name, content] of Object.entries(files)) await evidence.write(name, content)
    return []
  } catch (error) {
    return [`evidence could not be written: ${reasonOf(error)}`]
  }
}

function reasonOf(error: unknown): string {
  const { path } = Object(error) as NodeJS.ErrnoException
  const fault = fileFault(error)
  return fault && path ? `${path}: ${fault}` : messageOf(error)
}

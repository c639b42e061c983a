import { join } from 'node:path'
import { writePrivateFile } from './private-file.ts'

/** The folder in which one operation leaves what it saw when it failed; readable by its owner only. */
export class Evidence {
  readonly folder: string

  constructor(stateFolder: string, operation: string) {
    this.folder = join(stateFolder, 'diagnostics', operation)
  }

  /** @returns the path of the file */
  async write(name: string, content: unknown): Promise<string> {
    const file = join(this.folder, name)
    const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`
    await writePrivateFile(file, text)
    return file
  }
}

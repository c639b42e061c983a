import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What the operating system says of a file, in words. */
const FAULTS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is exceeded',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'there is a file where a folder is needed',
  EISDIR: 'it is a folder',
  EMFILE: 'too many open files',
  ELOOP: 'its symbolic links go in a circle',
  ENAMETOOLONG: 'the name is too long',
}

/** Why a file could not be used, in words; undefined where an error is none of the file system. */
export function fileFault(error: unknown): string | undefined {
  const { code = '', syscall } = Object(error) as NodeJS.ErrnoException
  // Made with everything above it, a folder is missing only where nothing can be made.
  if (code === 'ENOENT' && syscall === 'mkdir') return 'it cannot be made: is the file system read-only?'
  return FAULTS[code]
}

/** @returns one line for each of the files that cannot be read, with the reason */
export async function unreadable(files: string[]): Promise<string[]> {
  const checked = await Promise.all(files.map(readFault))
  return checked.filter((line) => line !== undefined)
}

async function readFault(file: string): Promise<string | undefined> {
  try {
    await access(file, constants.R_OK)
    return (await stat(file)).isDirectory() ? `${file} is a folder, not a file` : undefined
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return isMissing ? `${file} does not exist` : `${file}: ${fileFault(error) ?? 'it cannot be read'}`
  }
}

/**
 * Whether files can be made in a folder, which is itself made where it is not there yet; nothing is written.
 * @returns why not; undefined where they can
 */
export async function unwritable(folder: string): Promise<string | undefined> {
  try {
    if (!(await stat(folder)).isDirectory()) return `${folder} is a file, and has to be a folder`
    await access(folder, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isMissing && dirname(folder) !== folder) return unwritable(dirname(folder))
    return `${folder} cannot be written: ${fileFault(error) ?? 'it cannot be used'}`
  }
}

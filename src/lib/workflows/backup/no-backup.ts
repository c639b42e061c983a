import { EmrError, ExitCode } from '../../errors.ts'

/** @param doing what cannot be done: `verify`, `restore` */
export function noBackup(doing: string): EmrError {
  return new EmrError(`There is no backup to ${doing}`, {
    code: 'NO_BACKUP',
    exitCode: ExitCode.failed,
    suggestions: ['emr db-backup list', 'emr db-backup full'],
  })
}

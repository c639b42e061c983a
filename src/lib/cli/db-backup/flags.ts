import { Flags } from '@oclif/core'
import { parseSize } from '../../domain/size.ts'
import { durationFlag, environmentFlag, usageError } from '../flags.ts'

const sizeFlag = Flags.custom<number>({
  parse: async (text) => {
    const bytes = parseSize(text)
    if (bytes !== undefined && bytes > 0) return bytes
    throw usageError(`'${text}' is no size; write 500kB, 20MB or 1.5GB`)
  },
})

export const viaFlag = Flags.custom<'direct' | 'job'>({
  summary: 'from here, or as a Job in the cluster (default: job for EKS, else direct)',
  options: ['direct', 'job'],
})()

/** Of commands that move backups. */
export const transferFlags = {
  environment: environmentFlag,
  via: viaFlag,
  jobs: Flags.integer({
    summary: 'archives at the same time (default: from the configuration, 2)',
    min: 1,
    max: 32,
  }),
  'max-rate': sizeFlag({
    summary: 'bytes per second to and from the store, for example 50MB (default: no limit)',
    helpValue: 'SIZE',
  }),
}

export const annotateFlag = Flags.string({
  summary: 'note that stays with the backup; may be repeated',
  multiple: true,
  helpValue: 'KEY=VALUE',
})

/** Of full, incremental and drill. */
export const createFlags = {
  ...transferFlags,
  annotate: annotateFlag,
  'fix-identity': Flags.boolean({
    summary: 'give tables without a key REPLICA IDENTITY FULL, in place of refusing',
  }),
  'lock-timeout': durationFlag({
    summary: 'wait so long for open write transactions (default: 1m)',
    default: 60_000,
    helpValue: 'DURATION',
  }),
}

export const consentFlags = {
  yes: Flags.boolean({ char: 'y', summary: 'answer yes where the environment is not protected' }),
  confirm: Flags.string({ summary: 'name of the environment, in place of typing it', helpValue: 'NAME' }),
}

export const noOwnerFlag = Flags.boolean({
  summary: 'restore neither owners nor grants, so that their roles need not exist',
})

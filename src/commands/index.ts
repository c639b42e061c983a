import Bootstrap from './bootstrap.ts'
import ConfigShow from './config/show.ts'
import ConfigValidate from './config/validate.ts'
import DbBackupDrill from './db-backup/drill.ts'
import DbBackupFull from './db-backup/full.ts'
import DbBackupIncremental from './db-backup/incremental.ts'
import DbBackupList from './db-backup/list.ts'
import DbBackupPrune from './db-backup/prune.ts'
import DbBackupRestore from './db-backup/restore.ts'
import DbBackupSnapshot from './db-backup/snapshot.ts'
import DbBackupStatus from './db-backup/status.ts'
import DbBackupVerify from './db-backup/verify.ts'
import Deploy from './deploy.ts'
import Destroy from './destroy.ts'
import Diagnose from './diagnose.ts'
import Doctor from './doctor.ts'
import History from './history.ts'
import Kubeconfig from './kubeconfig.ts'
import Lock from './lock.ts'
import Logs from './logs.ts'
import Monitor from './monitor.ts'
import Outputs from './outputs.ts'
import Restart from './restart.ts'
import Rollback from './rollback.ts'
import SandboxReset from './sandbox/reset.ts'
import SandboxServe from './sandbox/serve.ts'
import SandboxStart from './sandbox/start.ts'
import SandboxStatus from './sandbox/status.ts'
import SandboxStop from './sandbox/stop.ts'
import Scale from './scale.ts'
import SetValues from './set.ts'
import SmokeTest from './smoke-test.ts'
import Unlock from './unlock.ts'

/** Every command by what is typed. Only names and flags live in these files; the work is imported when it is run. */
export const COMMANDS = {
  bootstrap: Bootstrap,
  'config:show': ConfigShow,
  'config:validate': ConfigValidate,
  'db-backup:drill': DbBackupDrill,
  'db-backup:full': DbBackupFull,
  'db-backup:incremental': DbBackupIncremental,
  'db-backup:list': DbBackupList,
  'db-backup:prune': DbBackupPrune,
  'db-backup:restore': DbBackupRestore,
  'db-backup:snapshot': DbBackupSnapshot,
  'db-backup:status': DbBackupStatus,
  'db-backup:verify': DbBackupVerify,
  deploy: Deploy,
  diagnose: Diagnose,
  destroy: Destroy,
  doctor: Doctor,
  history: History,
  kubeconfig: Kubeconfig,
  lock: Lock,
  logs: Logs,
  monitor: Monitor,
  outputs: Outputs,
  restart: Restart,
  rollback: Rollback,
  'sandbox:reset': SandboxReset,
  'sandbox:serve': SandboxServe,
  'sandbox:start': SandboxStart,
  'sandbox:status': SandboxStatus,
  'sandbox:stop': SandboxStop,
  scale: Scale,
  set: SetValues,
  'smoke-test': SmokeTest,
  unlock: Unlock,
}

// The lines of the sources are not those of a terminal, to whose width oclif breaks each paragraph.
for (const command of Object.values<{ description?: string }>(COMMANDS)) {
  command.description = command.description?.replaceAll(/(?<!\n)\n(?!\n)/g, ' ')
}

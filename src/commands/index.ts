import ConfigShow from './config/show.ts'
import ConfigValidate from './config/validate.ts'
import Deploy from './deploy.ts'
import Diagnose from './diagnose.ts'
import Doctor from './doctor.ts'
import History from './history.ts'
import Lock from './lock.ts'
import Logs from './logs.ts'
import Monitor from './monitor.ts'
import Rollback from './rollback.ts'
import SandboxReset from './sandbox/reset.ts'
import SandboxServe from './sandbox/serve.ts'
import SandboxStart from './sandbox/start.ts'
import SandboxStatus from './sandbox/status.ts'
import SandboxStop from './sandbox/stop.ts'
import SmokeTest from './smoke-test.ts'
import Unlock from './unlock.ts'

/** Every command by what is typed. Only names and flags live in these files; the work is imported when it is run. */
export const COMMANDS = {
  'config:show': ConfigShow,
  'config:validate': ConfigValidate,
  deploy: Deploy,
  diagnose: Diagnose,
  doctor: Doctor,
  history: History,
  lock: Lock,
  logs: Logs,
  monitor: Monitor,
  rollback: Rollback,
  'sandbox:reset': SandboxReset,
  'sandbox:serve': SandboxServe,
  'sandbox:start': SandboxStart,
  'sandbox:status': SandboxStatus,
  'sandbox:stop': SandboxStop,
  'smoke-test': SmokeTest,
  unlock: Unlock,
}

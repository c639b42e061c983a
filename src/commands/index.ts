import ConfigShow from './config/show.ts'
import ConfigValidate from './config/validate.ts'
import Deploy from './deploy.ts'
import Doctor from './doctor.ts'

/** Every command by what is typed. Only names and flags live in these files; the work is imported when it is run. */
export const COMMANDS = {
  'config:show': ConfigShow,
  'config:validate': ConfigValidate,
  deploy: Deploy,
  doctor: Doctor,
}

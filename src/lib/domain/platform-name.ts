/** How the names begin that Terraform gives to what belongs to an environment. */
export function platformName(environment: string): string {
  return `emr-platform-${environment}`
}

/** Whether a name is this one or begins with it as a whole: `…-dev-postgres` is of `…-dev`, `…-development` is not. */
export function isWithin(name: string, stem: string): boolean {
  return name === stem || name.startsWith(`${stem}-`) || name.startsWith(`${stem}/`)
}

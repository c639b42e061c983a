/** A part of the picture: a table whose rows have names to be found and chosen by. */
export interface Section {
  title: string
  /** Names of the sources that it stands and falls with. */
  sources: readonly string[]
  head: string[]
  rows: { name: string; service?: string; cells: string[] }[]
}

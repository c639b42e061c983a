/** One import for property tests, so that their number of runs is set in one place. */
import * as fc from 'fast-check'

fc.configureGlobal({ numRuns: 200 })

export { fc }

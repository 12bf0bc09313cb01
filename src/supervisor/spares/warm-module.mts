import 'node:http'

/** An ES module for warm-up.cts to import: the first one that a process imports costs several milliseconds more than the next. */
export const isWarm = true

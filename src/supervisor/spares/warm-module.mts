// Not node:http: for its namespace Node loads what `fetch` uses, which leaves its mark on the global object.
import 'node:url'

/** An ES module for warm-up.cts to import: the first one that a process imports costs several milliseconds more than the next. */
export const isWarm = true

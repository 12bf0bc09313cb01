/** How long an ES module that does not listen may take before it counts as loaded, in milliseconds. */
const moduleGraceMs = 1_000

/**
 * Calls back when the program's own file has run. Of a CommonJS file that is certain; Node does not tell when an ES module
 * has been evaluated, so such a one has run when a server of it listens, or after a second.
 * @param isListening whether a server of this process has begun to listen
 */
export function whenLoaded(isListening: () => boolean, callback: () => void): void {
  const start = performance.now()
  setImmediate(function look() {
    const { mainModule } = process
    if (mainModule === undefined ? isListening() || performance.now() - start >= moduleGraceMs : mainModule.loaded) {
      callback()
      return
    }
    setTimeout(look, 10).unref()
  })
}
